// Files as they were written or read: hashes, times, names that no other process uses.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace unlearn {

// What shows that a file is still the one that was written or read, without reading it again.
struct FileStamp {
  uint64_t device = 0, inode = 0, bytes = 0;
  int64_t modified_ns = 0;

  bool operator==(const FileStamp&) const = default;
};
// Of the file behind `path`; UserError when there is none.
FileStamp stamp_of(const std::filesystem::path& path);
// UserError when the file, still under the name `path`, was written to since. A file that is gone
// or has another in its place is not: who mapped it has the old one.
void check_unwritten(const std::filesystem::path& path, const FileStamp& since);

// A file as it was written.
struct WrittenFile {
  uint64_t bytes = 0;
  int64_t modified_ns = 0;
  std::string sha256;

  bool operator==(const WrittenFile&) const = default;
};
// Files of one folder by their names in it.
using WrittenFiles = std::vector<std::pair<std::string, WrittenFile>>;

// As write_file_atomic of files.h. The content is hashed while it is written (not that of pipes).
WrittenFile write_hashed_file(const std::filesystem::path& path, std::string_view content);
WrittenFile write_hashed_file(const std::filesystem::path& path,
                              const std::function<void(std::ostream&)>& write);
// Of a file that is there, by reading it.
WrittenFile hash_file(const std::filesystem::path& path);

// The end of a temporary name, ".tmp." before it: the process and a random number, because
// containers and machines that share a folder share process numbers.
std::string unique_suffix();
// Whether `name` is `stem` + ".tmp." + such an end (or that of earlier versions, the process
// alone).
bool is_temporary_of(std::string_view name, std::string_view stem);

// fsync of a file that was written by parts.
void sync_file(const std::filesystem::path& path);

// Gives two names of one file system each other's files or folders, in one step where the kernel
// and the file system can. False: they cannot, and nothing has changed.
bool exchange_names(const std::filesystem::path& one, const std::filesystem::path& other);

}  // namespace unlearn
