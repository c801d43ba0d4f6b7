#include "unlearn/core/files.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>

#include "unlearn/core/error.h"

namespace unlearn {
namespace fs = std::filesystem;
namespace {

// Closes a file descriptor at the end of its scope.
struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

using Digest = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

std::string hex_digest(const std::function<void(EVP_MD_CTX*)>& feed) {
  Digest context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  UNLEARN_CHECK(context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
  feed(context.get());
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  UNLEARN_CHECK(EVP_DigestFinal_ex(context.get(), digest.data(), &size) == 1);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += kHex[digest[i] >> 4];
    text += kHex[digest[i] & 15];
  }
  return text;
}

void sync_file(const fs::path& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.value < 0 || ::fsync(file.value) != 0) {
    user_error(path.string(), ": cannot flush to disk: ", std::strerror(errno));
  }
}

// A pipe, a device or a descriptor of this process stays what it is, and takes what is written.
void write_into(const fs::path& path, const std::function<void(std::ostream&)>& write) {
  if (path == "/dev/stdout") {
    // Opened anew it would have a position of its own in the file that the shell is writing.
    write(std::cout);
    std::cout.flush();
    if (!std::cout) user_error(path.string(), ": cannot write");
    return;
  }
  std::ofstream out(path, std::ios::binary | std::ios::app);
  if (!out) user_error(path.string(), ": cannot open for writing: ", std::strerror(errno));
  write(out);
  out.close();
  if (!out) user_error(path.string(), ": cannot write: ", std::strerror(errno));
}

// The file that a link names, there or not: renaming onto the link itself would replace the link.
fs::path behind_links(fs::path path) {
  constexpr int kMaxLinks = 40;  // Linux's own limit
  int links = 0;
  std::error_code ignored;
  while (fs::is_symlink(path, ignored)) {
    if (++links > kMaxLinks) user_error(path.string(), ": links that lead in a circle");
    path = path.parent_path() / fs::read_symlink(path);
  }
  return path;
}

}  // namespace

std::string read_file(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    user_error(path.string(), ": is a folder; a file is needed here");
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) user_error(path.string(), ": cannot open for reading: ", std::strerror(errno));
  std::ostringstream content;
  content << in.rdbuf();
  if (in.bad()) user_error(path.string(), ": cannot read: ", std::strerror(errno));
  return std::move(content).str();
}

bool lies_in(const fs::path& path, const fs::path& folder) {
  const fs::path inner = fs::weakly_canonical(path), outer = fs::weakly_canonical(folder);
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

void write_file_atomic(const fs::path& path, std::string_view content) {
  write_file_atomic(path, [&](std::ostream& out) {
    out.write(content.data(), static_cast<std::streamsize>(content.size()));
  });
}

void write_file_atomic(const fs::path& name, const std::function<void(std::ostream&)>& write) {
  std::error_code ignored;
  const std::string text = name.string();
  const bool is_descriptor = text.starts_with("/dev/") || text.starts_with("/proc/");
  if (is_descriptor || (fs::exists(name, ignored) && !fs::is_regular_file(name, ignored))) {
    write_into(name, write);
    return;
  }
  const fs::path path = behind_links(name);
  const fs::path temporary = path.string() + cat(".tmp.", ::getpid());
  try {
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    if (!out) user_error(temporary.string(), ": cannot open for writing: ", std::strerror(errno));
    write(out);
    out.close();
    if (!out) user_error(temporary.string(), ": cannot write: ", std::strerror(errno));
    sync_file(temporary);
    fs::rename(temporary, path);
  } catch (...) {
    fs::remove(temporary, ignored);
    throw;
  }
  sync_directory(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

void sync_directory(const fs::path& directory) {
  const Descriptor folder{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  // Some network file systems refuse fsync on folders; the rename itself has happened.
  if (folder.value >= 0) ::fsync(folder.value);
}

MappedFile::MappedFile(const fs::path& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat info {};
  if (file.value < 0 || ::fstat(file.value, &info) != 0) {
    user_error(path.string(), ": cannot open for reading: ", std::strerror(errno));
  }
  if (!S_ISREG(info.st_mode)) user_error(path.string(), ": is not a regular file");
  size_ = static_cast<size_t>(info.st_size);
  if (size_ == 0) return;
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.value, 0);
  if (address == MAP_FAILED) user_error(path.string(), ": cannot map: ", std::strerror(errno));
  data_ = static_cast<const std::byte*>(address);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

std::string sha256(std::string_view content) {
  return hex_digest([&](EVP_MD_CTX* context) {
    UNLEARN_CHECK(EVP_DigestUpdate(context, content.data(), content.size()) == 1);
  });
}

std::string sha256_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) user_error(path.string(), ": cannot be read");
  // Read, not mapped: mapped pages would count as this process's memory.
  std::string part(size_t{1} << 20, '\0');
  return hex_digest([&](EVP_MD_CTX* context) {
    while (in) {
      in.read(part.data(), static_cast<std::streamsize>(part.size()));
      UNLEARN_CHECK(EVP_DigestUpdate(context, part.data(), static_cast<size_t>(in.gcount())) == 1);
    }
    if (!in.eof()) user_error(path.string(), ": cannot be read to its end");
  });
}

}  // namespace unlearn
