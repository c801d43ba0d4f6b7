#include "eval/result_store.h"

#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/eval/execute.h"

namespace unlearn::eval {

ResultStore::ResultStore(const std::filesystem::path& folder) {
  if (folder.empty()) return;
  std::filesystem::create_directories(folder);
  const std::filesystem::path& path = path_ = folder / kResultsFile;
  int64_t damaged = 0;
  bool open_line = false;
  if (std::ifstream in(path); in) {
    std::string line;
    while (std::getline(in, line)) {
      open_line = in.eof();  // the last line has no line feed
      Json entry = Json::parse(line, nullptr, /*allow_exceptions=*/false);
      const bool valid = entry.is_object() && entry.contains("key") && entry["key"].is_string() &&
                         entry.contains("value");
      if (valid) {
        values_[entry["key"].get<std::string>()] = std::move(entry["value"]);
      } else if (!line.empty()) {
        ++damaged;
      }
    }
  }
  if (damaged > 0) log::info(path.string(), ": ", damaged, " incomplete result(s) are recomputed");
  file_.open(path, std::ios::app);
  if (!file_) user_error(path.string(), ": cannot be written; eval.cache=false does without");
  if (open_line) file_ << '\n';
}

const Json* ResultStore::find(const std::string& key) const {
  const auto entry = values_.find(key);
  return entry == values_.end() ? nullptr : &entry->second;
}

void ResultStore::add(const std::string& key, Json value) {
  if (file_.is_open()) file_ << Json{{"key", key}, {"value", value}}.dump() << '\n';
  values_[key] = std::move(value);
}

void ResultStore::flush() {
  if (!file_.is_open()) return;
  file_.flush();
  if (!file_) user_error(path_.string(), ": writing failed (is the disk full?)");
}

}  // namespace unlearn::eval
