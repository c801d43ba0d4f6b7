#include "unlearn/core/read_log.h"

#include <atomic>
#include <map>
#include <mutex>
#include <set>

#include "core/note_read.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn {
namespace {

std::atomic<bool> is_noting = false;
std::mutex noted_mutex;
std::map<std::string, std::set<std::string>>& noted() {
  static auto& hashes = *new std::map<std::string, std::set<std::string>>;
  return hashes;
}

}  // namespace

void note_read(const std::filesystem::path& path, const std::string& content) {
  if (!is_noting) return;
  std::string hash = sha256(content);
  const std::scoped_lock lock(noted_mutex);
  noted()[path.string()].insert(std::move(hash));
}

ReadLog::ReadLog() { is_noting = true; }

ReadLog::~ReadLog() {
  is_noting = false;
  const std::scoped_lock lock(noted_mutex);
  noted().clear();
}

std::optional<std::string> ReadLog::sha256_of(const std::filesystem::path& path) {
  const std::scoped_lock lock(noted_mutex);
  const auto found = noted().find(path.string());
  if (found == noted().end()) return std::nullopt;
  if (found->second.size() > 1) {
    user_error(path.string(), ": was changed while this program read it; start again");
  }
  return *found->second.begin();
}

}  // namespace unlearn
