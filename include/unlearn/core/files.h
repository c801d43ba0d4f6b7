// Files: whole reads, memory maps, atomic writes, content hashes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

namespace unlearn {

// Reads a whole file; UserError when it is missing or unreadable.
std::string read_file(const std::filesystem::path& path);

// Whether `path` is `folder` or lies below it, links resolved; neither needs to exist.
bool lies_in(const std::filesystem::path& path, const std::filesystem::path& folder);

// Writes through a temporary sibling, fsync and rename: readers see the old or the new file, whole.
// Of a symbolic link the file behind it is replaced; what is there and is no regular file (a pipe,
// a device) is written into.
void write_file_atomic(const std::filesystem::path& path, std::string_view content);
void write_file_atomic(const std::filesystem::path& path,
                       const std::function<void(std::ostream&)>& write);

// fsync of a directory, so that renames inside it survive a power cut.
void sync_directory(const std::filesystem::path& directory);

// A read-only memory map of a whole file (empty files map to an empty span).
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// Lower-case hexadecimal SHA-256.
std::string sha256(std::string_view content);
std::string sha256_file(const std::filesystem::path& path);

}  // namespace unlearn
