// A lock on a folder that this program writes to; it goes with the process that holds it, however
// that one ends.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace unlearn {

// The lock of a file, held by the kernel (fcntl), on network file systems for all machines that
// the file system reports each other's locks. Where a file system has no locks, the record in the
// file decides: its process is looked up when it is one of this machine, and counts as alive when
// it is of another.
class FileLock {
 public:
  static constexpr const char* kName = "unlearn.lock";

  // UserError "<what>: …" that names the owner when another process, or another FileLock of this
  // one, holds it.
  FileLock(const std::filesystem::path& file, const std::string& what);
  // None when it is held.
  static std::optional<FileLock> take_free(const std::filesystem::path& file);
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;

 private:
  struct Owner {
    std::string text;
    bool is_record;  // the file system has no locks
  };
  FileLock() = default;
  // The owner when it is held, else nothing.
  std::optional<Owner> take(const std::filesystem::path& file);

  std::filesystem::path file_;
  int descriptor_ = -1;
};

}  // namespace unlearn
