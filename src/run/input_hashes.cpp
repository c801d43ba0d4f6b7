#include "run/input_hashes.h"

#include <algorithm>
#include <chrono>

#include "unlearn/core/background_hash.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/manifest.h"
#include "unlearn/core/read_log.h"
#include "unlearn/train/run_folder.h"

namespace unlearn::run {
namespace fs = std::filesystem;

InputHashes::InputHashes(const RunConfig& config, const PreparedRun& run) {
  for (const std::string& folder :
       {config.model.path, config.model.reference, config.model.adapter}) {
    if (folder.empty()) continue;
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string ending = entry.path().extension().string();
      if (entry.is_regular_file() && entry.path().filename() != Manifest::kName &&
          (ending == ".safetensors" || ending == ".json" || ending == ".model")) {
        start(entry.path());
      }
    }
  }
  for (const auto* split :
       {&run.splits.forget, &run.splits.retain, &run.splits.alternate, &run.splits.train}) {
    if (*split) start((*split)->file);
  }
}

void InputHashes::check_unchanged(const Json& before) const {
  for (const auto& [file, hash] : hashes_) {
    const auto known = before.find(file);
    if (known != before.end() && *known != hash.get()) {
      user_error("--resume: ", file,
                 " has changed since the run was started; restore it, or start "
                 "a new run");
    }
  }
}

void InputHashes::write_when_known(train::RunFolder& folder) {
  const bool known = std::all_of(hashes_.begin(), hashes_.end(), [](const auto& entry) {
    return entry.second.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  });
  if (known) write(folder);
}

Json InputHashes::values() const {
  Json all = Json::object();
  for (const auto& [file, hash] : hashes_) all[file] = hash.get();
  for (const auto& [file, stamp] : stamps_) check_stamp(file, stamp);
  return all;
}

const std::string& InputHashes::key() {
  if (!key_.empty()) return key_;
  // Below this a file is hashed before a model of its size is loaded.
  constexpr uint64_t kLarge = uint64_t{1} << 30;
  Json all = Json::object();
  for (const auto& [file, hash] : hashes_) {
    const auto stamp = stamps_.find(file);
    const bool is_large = stamp != stamps_.end() && stamp->second.bytes >= kLarge;
    all[file] = is_large ? sha256_of_pieces(file) : hash.get();
    if (stamp != stamps_.end()) check_stamp(file, stamp->second);
  }
  key_ = all.dump();
  return key_;
}

void InputHashes::check_stamp(const std::string& file, const FileStamp& before) {
  std::error_code ignored;
  if (fs::exists(file, ignored) && stamp_of(file) != before) {  // one that is gone was read before
    user_error(file, ": was changed while the run read it; start again");
  }
}

void InputHashes::write(train::RunFolder& folder) {
  if (is_written_) return;
  folder.update_run_json({{"inputs_sha256", values()}});
  is_written_ = true;
}

void InputHashes::start(const fs::path& file) {
  std::shared_future<std::string>& hash = hashes_[file.string()];  // two folders may be the same
  if (hash.valid()) return;
  if (const auto known = ReadLog::sha256_of(file)) {
    std::promise<std::string> as_read;
    as_read.set_value(*known);
    hash = as_read.get_future().share();
    return;
  }
  stamps_[file.string()] = stamp_of(file);
  hash = sha256_in_background(file).share();
}

}  // namespace unlearn::run
