#include "run/forget/verdict_files.h"

#include <map>

#include "unlearn/core/background_hash.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/read_log.h"
#include "unlearn/report/verdict_page.h"
#include "unlearn/run/forget.h"
#include "unlearn/run/version.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

bool decides_the_model(const fs::path& file) {
  const std::string name = file.filename().string();
  return file.extension() == ".safetensors" || name == "config.json" ||
         name == "generation_config.json" || name == "adapter_config.json" ||
         name == "chat_template.jinja" || name.starts_with("tokenizer");
}

}  // namespace

std::future<std::string> model_sha256_in_background(const fs::path& folder) {
  std::map<std::string, std::future<std::string>> hashes;  // by name
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_regular_file() || !decides_the_model(entry.path())) continue;
    hashes[entry.path().filename().string()] = sha256_in_background(entry.path());
  }
  return std::async(std::launch::deferred, [hashes = std::move(hashes)]() mutable {
    std::string all;
    for (auto& [name, hash] : hashes) all += cat(name, " ", hash.get(), "\n");
    return sha256(all);
  });
}

std::string model_sha256(const fs::path& folder) {
  return model_sha256_in_background(folder).get();
}

std::string program_sha256() { return sha256_file("/proc/self/exe"); }

Json verdict_hashes(const std::string& model, const data::Splits& splits, const fs::path& result) {
  const auto as_read = [](const std::optional<data::Split>& split) {
    if (!split) return Json();
    const auto known = ReadLog::sha256_of(split->file);
    return Json(known ? *known : sha256_file(split->file));
  };
  return {{"model", model},
          {"forget", as_read(splits.forget)},
          {"retain", as_read(splits.retain)},
          {"result", model_sha256(result)},
          {"program", program_sha256()}};
}

metrics::own_data::Provenance provenance_now(Json settings, Json hashes,
                                             const std::string& prompt_template) {
  return {.settings = std::move(settings),
          .sha256 = std::move(hashes),
          .prompt_template = prompt_template,
          .date = time_text(),
          .machine = machine_text(),
          .program = cat("unlearn ", version_text())};
}

void write_verdict(train::RunFolder& folder, const Json& verdict) {
  folder.write(kVerdictFile, verdict.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  folder.write(kVerdictPage, report::verdict_page(verdict));
}

}  // namespace unlearn::run
