// Results of finished requests, by content hash, kept on disk as lines that survive a kill.
#pragma once

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <unordered_map>

#include "unlearn/core/json.h"

namespace unlearn::eval {

class ResultStore {
 public:
  // Reads <folder>/results.jsonl if it is there; lines that a kill cut short are dropped. An empty
  // folder name keeps everything in memory only.
  explicit ResultStore(const std::filesystem::path& folder);

  // The stored value or null.
  const Json* find(const std::string& key) const;
  // The stored value as `decode` reads it; none when there is none or it has another form: it is
  // computed again.
  template <class T>
  std::optional<T> find_as(const std::string& key, T (*decode)(const Json&)) const {
    const Json* stored = find(key);
    if (stored == nullptr) return std::nullopt;
    try {
      return decode(*stored);
    } catch (const Json::exception&) {
      return std::nullopt;
    }
  }
  void add(const std::string& key, Json value);
  // Hands what was added to the operating system: it survives this process.
  void flush();

 private:
  std::filesystem::path path_;
  std::unordered_map<std::string, Json> values_;
  std::ofstream file_;
};

}  // namespace unlearn::eval
