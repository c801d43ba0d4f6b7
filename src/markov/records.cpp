#include "unlearn/markov/records.h"

#include <algorithm>

#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/markov/summary.h"

namespace unlearn::markov {
namespace fs = std::filesystem;
namespace {

constexpr const char* kBoth = "both";

}  // namespace

std::vector<std::string> chosen_experiments(const std::string& flag,
                                            const config::Settings& settings) {
  const config::Setting* setting = settings.find("experiment");
  const auto text = [](const Json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  const std::string name = !flag.empty() ? flag : setting == nullptr ? kBoth : text(setting->value);
  if (name == kBoth) return kExperiments;
  const auto& known = kExperiments;
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    user_error("--experiment: must be one of ", join(known, ", "), " or both, not '", name, "'",
               did_you_mean(name, known));
  }
  return {name};
}

bool is_recorded(const fs::path& file, const Study& study, bool overwrite) {
  if (overwrite || !fs::exists(file)) return false;
  const Json record = read_json(file);
  if (!record.is_object() || record.value("config", Json()) != study.resolved) {
    user_error(file.string(),
               ": made with other settings; choose another --output, or --overwrite");
  }
  log::info("done already: ", file.string());
  return true;
}

std::vector<Json> read_records(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const std::string& experiment : kExperiments) {
    if (!fs::is_directory(folder / experiment)) continue;
    for (const auto& entry : fs::directory_iterator(folder / experiment)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("seed-") && name.ends_with(".json")) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<Json> records;
  for (const fs::path& file : files) {
    records.push_back(read_json(file));
    check_record(records.back(), file.string());
  }
  return records;
}

}  // namespace unlearn::markov
