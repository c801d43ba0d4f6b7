// Files that appear whole, hashed while they are written.
#include "unlearn/core/written_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <future>
#include <iostream>
#include <random>
#include <streambuf>

#include "core/digest.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kTemporary = ".tmp.";
constexpr size_t kRandomDigits = 16;

// Writes to a descriptor and hashes what it writes. After the first error it takes nothing more.
class FileSink : public std::streambuf {
 public:
  explicit FileSink(int descriptor) : descriptor_(descriptor), buffer_(kBuffer, '\0') {
    setp(buffer_.data(), buffer_.data() + buffer_.size());
  }

  // Writes what is buffered. errno of the first write that failed, or 0.
  int finish() {
    sync();
    return error_;
  }
  uint64_t bytes() const { return bytes_; }
  std::string sha256() { return digest_.hex(); }

 protected:
  int_type overflow(int_type next) override {
    if (sync() != 0) return traits_type::eof();
    if (!traits_type::eq_int_type(next, traits_type::eof())) sputc(traits_type::to_char_type(next));
    return traits_type::not_eof(next);
  }
  std::streamsize xsputn(const char* data, std::streamsize count) override {
    if (count < epptr() - pptr()) {
      std::memcpy(pptr(), data, static_cast<size_t>(count));
      pbump(static_cast<int>(count));
      return count;
    }
    if (sync() != 0) return 0;
    for (std::streamsize at = 0; at < count; at += kPart) {
      if (!put(data + at, static_cast<size_t>(std::min(kPart, count - at)))) return at;
    }
    return count;
  }
  int sync() override {
    const auto size = static_cast<size_t>(pptr() - pbase());
    setp(buffer_.data(), buffer_.data() + buffer_.size());
    return put(buffer_.data(), size) ? 0 : -1;
  }

 private:
  static constexpr size_t kBuffer = size_t{1} << 16;
  static constexpr std::streamsize kPart = std::streamsize{1} << 23;
  static constexpr size_t kWorthAThread = size_t{1} << 20;

  // Large parts are hashed on another thread while this one writes them: hashing then costs no
  // time on disks, and little where the processor has no instruction for it.
  bool put(const char* data, size_t size) {
    if (error_ != 0) return false;
    std::future<void> hashing;
    if (size >= kWorthAThread) {
      try {
        hashing =
            std::async(std::launch::async, [this, data, size] { digest_.update(data, size); });
      } catch (const std::system_error&) {  // no more threads
      }
    }
    if (!hashing.valid()) digest_.update(data, size);
    write_all(data, size);
    if (hashing.valid()) hashing.get();
    return error_ == 0;
  }

  void write_all(const char* data, size_t size) {
    while (size > 0) {
      const ssize_t count = ::write(descriptor_, data, size);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        error_ = count < 0 ? errno : EIO;
        return;
      }
      data += count;
      size -= static_cast<size_t>(count);
      bytes_ += static_cast<uint64_t>(count);
    }
  }

  int descriptor_;
  int error_ = 0;
  uint64_t bytes_ = 0;
  std::string buffer_;
  Sha256 digest_;
};

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

WrittenFile write_new(const fs::path& path, const std::function<void(std::ostream&)>& write) {
  constexpr mode_t kMode = 0666;  // less the umask
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
  if (file.value < 0) {
    user_error(path.string(), ": cannot open for writing: ", std::strerror(errno));
  }
  FileSink sink(file.value);
  std::ostream out(&sink);
  out.exceptions(std::ios::badbit);  // what `write` throws is thrown, not swallowed
  try {
    write(out);
  } catch (const std::ios::failure&) {
    if (sink.finish() == 0) throw;
  }
  if (const int error = sink.finish(); error != 0) {
    user_error(path.string(), ": cannot write: ", std::strerror(error));
  }
  if (::fsync(file.value) != 0) {
    user_error(path.string(), ": cannot flush to disk: ", std::strerror(errno));
  }
  return {sink.bytes(), stamp_of(path).modified_ns, sink.sha256()};
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

void write_file_atomic(const fs::path& path, std::string_view content) {
  write_hashed_file(path, content);
}

void write_file_atomic(const fs::path& path, const std::function<void(std::ostream&)>& write) {
  write_hashed_file(path, write);
}

WrittenFile write_hashed_file(const fs::path& path, std::string_view content) {
  return write_hashed_file(path, [&](std::ostream& out) {
    out.write(content.data(), static_cast<std::streamsize>(content.size()));
  });
}

WrittenFile write_hashed_file(const fs::path& name,
                              const std::function<void(std::ostream&)>& write) {
  std::error_code ignored;
  const std::string text = name.string();
  // Not all of /dev: /dev/shm holds files like any other.
  const bool is_descriptor =
      text.starts_with("/dev/fd/") || text.starts_with("/dev/std") || text.starts_with("/proc/");
  if (is_descriptor || (fs::exists(name, ignored) && !fs::is_regular_file(name, ignored))) {
    write_into(name, write);
    return {};
  }
  const fs::path path = behind_links(name);
  const fs::path temporary = cat(path.string(), kTemporary, unique_suffix());
  WrittenFile written;
  try {
    written = write_new(temporary, write);
    fs::rename(temporary, path);
  } catch (...) {
    fs::remove(temporary, ignored);
    throw;
  }
  sync_directory(path.has_parent_path() ? path.parent_path() : fs::path("."));
  return written;
}

std::string unique_suffix() {
  std::random_device source;
  const uint64_t number = uint64_t{source()} << 32 | source();
  std::string digits(kRandomDigits, '0');
  for (size_t i = 0; i < digits.size(); ++i) {
    digits[i] = "0123456789abcdef"[number >> (4 * i) & 15];
  }
  return cat(::getpid(), "-", digits);
}

bool is_temporary_of(std::string_view name, std::string_view stem) {
  if (!name.starts_with(stem) || !name.substr(stem.size()).starts_with(kTemporary)) return false;
  const std::string_view end = name.substr(stem.size() + kTemporary.size());
  const size_t dash = end.find('-');
  if (dash == std::string_view::npos) return is_number(end);
  const std::string_view digits = end.substr(dash + 1);
  return is_number(end.substr(0, dash)) && digits.size() == kRandomDigits &&
         digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void sync_file(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.value < 0 || ::fsync(file.value) != 0) {
    user_error(path.string(), ": cannot flush to disk: ", std::strerror(errno));
  }
}

void sync_directory(const fs::path& directory) {
  const Descriptor folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some network file systems refuse fsync on folders; the rename itself has happened.
  if (folder.value >= 0) ::fsync(folder.value);
}

bool exchange_names(const fs::path& one, const fs::path& other) {
  constexpr unsigned kExchange = 2;  // RENAME_EXCHANGE; the C library's name for it is newer
  return ::syscall(SYS_renameat2, AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), kExchange) == 0;
}

}  // namespace unlearn
