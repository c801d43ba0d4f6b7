// What read_file() has returned, by content: an input can then be named by the bytes that were
// used, not by those that a second read of it finds.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace unlearn {

// While one is alive, read_file() notes the hash of what it returns. One at a time.
class ReadLog {
 public:
  ReadLog();
  ~ReadLog();
  ReadLog(const ReadLog&) = delete;
  ReadLog& operator=(const ReadLog&) = delete;

  // The hash of what was read under this name while a ReadLog was alive; none when nothing was.
  // UserError when two reads found different contents.
  static std::optional<std::string> sha256_of(const std::filesystem::path& path);
};

}  // namespace unlearn
