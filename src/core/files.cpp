#include "unlearn/core/files.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "core/digest.h"
#include "core/map_guard.h"
#include "core/note_read.h"
#include "unlearn/core/background_hash.h"
#include "unlearn/core/error.h"
#include "unlearn/core/written_file.h"

namespace unlearn {
namespace fs = std::filesystem;
namespace {

constexpr size_t kPart = size_t{1} << 20;

FileStamp stamp_from(const struct stat& info) {
  constexpr int64_t kNanoseconds = 1'000'000'000;
  return {.device = info.st_dev,
          .inode = info.st_ino,
          .bytes = static_cast<uint64_t>(info.st_size),
          .modified_ns = info.st_mtim.tv_sec * kNanoseconds + info.st_mtim.tv_nsec};
}

struct stat status_of(const Descriptor& file, const fs::path& path) {
  struct stat info {};
  if (file.value < 0 || ::fstat(file.value, &info) != 0) {
    user_error(path.string(), ": cannot open for reading: ", std::strerror(errno));
  }
  return info;
}

// A named pipe that nobody writes to would be waited for without end. `tries`: reads of it that
// found neither data nor a writer.
void wait_for_writer(const fs::path& pipe, int tries) {
  constexpr int kTries = 100;
  constexpr auto kBetween = std::chrono::milliseconds(50);
  if (tries > kTries) {
    user_error(pipe.string(), ": is a named pipe, and nobody has written to it for 5 seconds");
  }
  std::this_thread::sleep_for(kBetween);
}

// Without waiting for a pipe's other end here.
int open_to_read(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    user_error(path.string(), ": is a folder; a file is needed here");
  }
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

// Gives the whole content to `take`, in parts; every read is checked.
template <class Take>
void read_parts(const Descriptor& file, const fs::path& path, const Take& take) {
  const struct stat info = status_of(file, path);
  // Small files are many, and memory that is not used costs time, too. One byte more shows the end.
  const auto expected = static_cast<size_t>(info.st_size) + 1;
  std::string part(S_ISREG(info.st_mode) && info.st_size > 0 ? std::min(kPart, expected) : kPart,
                   '\0');
  uint64_t total = 0;
  bool has_writer = !S_ISFIFO(info.st_mode);
  for (int tries = 0;;) {
    const ssize_t count = ::read(file.value, part.data(), part.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {  // it has one, which takes its time
      struct pollfd ready {
        file.value, POLLIN, 0
      };
      ::poll(&ready, 1, /*timeout=*/-1);
      has_writer = true;
      continue;
    }
    if (count == 0 && total == 0 && !has_writer) {
      wait_for_writer(path, ++tries);
      continue;
    }
    if (count < 0) {
      user_error(path.string(), ": cannot be read at byte ", total, ": ", std::strerror(errno));
    }
    if (count == 0) break;
    take(part.data(), static_cast<size_t>(count));
    total += static_cast<uint64_t>(count);
  }
  // Files of /proc and /sys say that they have no size.
  if (S_ISREG(info.st_mode) && total < static_cast<uint64_t>(info.st_size)) {
    user_error(path.string(), ": ended at byte ", total, " of ", info.st_size,
               " while it was being read; is something writing to it?");
  }
}

// Read, not mapped: mapped pages would count as this process's memory.
std::string sha256_open(const Descriptor& file, const fs::path& path) {
  Sha256 digest;
  read_parts(file, path, [&](const char* data, size_t size) { digest.update(data, size); });
  return digest.hex();
}

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
  UNLEARN_CHECK(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256::update(const char* data, size_t size) {
  UNLEARN_CHECK(EVP_DigestUpdate(context_.get(), data, size) == 1);
}

std::string Sha256::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  UNLEARN_CHECK(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += kHex[digest[i] >> 4];
    text += kHex[digest[i] & 15];
  }
  return text;
}

std::string read_file(const fs::path& path) {
  std::string content;
  const Descriptor file(open_to_read(path));
  read_parts(file, path, [&](const char* data, size_t size) { content.append(data, size); });
  note_read(path, content);
  return content;
}

bool lies_in(const fs::path& path, const fs::path& folder) {
  const fs::path inner = fs::weakly_canonical(path), outer = fs::weakly_canonical(folder);
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

FileStamp stamp_of(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    user_error(path.string(), ": cannot open for reading: ", std::strerror(errno));
  }
  return stamp_from(info);
}

void check_unwritten(const fs::path& path, const FileStamp& since) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return;
  const FileStamp now = stamp_from(info);
  if (now.device != since.device || now.inode != since.inode || now == since) return;
  user_error(path.string(), ": was changed while it was being read",
             now.bytes < since.bytes ? " (it is shorter now)" : "", "; start again");
}

MappedFile::MappedFile(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  const struct stat info = status_of(file, path);
  if (!S_ISREG(info.st_mode)) user_error(path.string(), ": is not a regular file");
  size_ = static_cast<size_t>(info.st_size);
  if (size_ == 0) return;
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.value, 0);
  if (address == MAP_FAILED) user_error(path.string(), ": cannot map: ", std::strerror(errno));
  data_ = static_cast<const std::byte*>(address);
  begin_guard(address, size_, path.string());
}

MappedFile::~MappedFile() {
  if (data_ == nullptr) return;
  end_guard(data_);
  ::munmap(const_cast<std::byte*>(data_), size_);
}

std::string sha256(std::string_view content) {
  Sha256 digest;
  digest.update(content.data(), content.size());
  return digest.hex();
}

std::string sha256_file(const fs::path& path) {
  const Descriptor file(open_to_read(path));
  return sha256_open(file, path);
}

std::future<std::string> sha256_in_background(const fs::path& path) {
  auto file = std::make_unique<const Descriptor>(open_to_read(path));
  status_of(*file, path);
  return std::async(std::launch::async, [path, file = std::move(file)]() mutable {
    const auto open = std::move(file);  // closed at the end, not with the future
    return sha256_open(*open, path);
  });
}

std::string sha256_of_pieces(const fs::path& path, uint64_t piece_bytes) {
  const Descriptor file(open_to_read(path));
  const auto bytes = static_cast<uint64_t>(status_of(file, path).st_size);
  std::vector<std::string> hashes((bytes + piece_bytes - 1) / piece_bytes);
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    std::string part(std::min<uint64_t>(kPart, piece_bytes), '\0');
    for (size_t i = next++; i < hashes.size(); i = next++) {
      Sha256 digest;
      const uint64_t end = std::min(bytes, (i + 1) * piece_bytes);
      for (uint64_t at = i * piece_bytes; at < end;) {
        const size_t wanted = std::min<uint64_t>(part.size(), end - at);
        const ssize_t count = ::pread(file.value, part.data(), wanted, static_cast<off_t>(at));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) {
          user_error(path.string(), ": cannot be read at byte ", at, ": ",
                     count < 0 ? std::strerror(errno) : "it is shorter now");
        }
        digest.update(part.data(), static_cast<size_t>(count));
        at += static_cast<uint64_t>(count);
      }
      hashes[i] = digest.hex();
    }
  };
  const size_t threads =
      std::min<size_t>(hashes.size(), std::max(1U, std::thread::hardware_concurrency()));
  std::vector<std::future<void>> workers;
  for (size_t t = 0; t < threads; ++t) workers.push_back(std::async(std::launch::async, work));
  std::string all = cat(bytes, " bytes in pieces of ", piece_bytes, ":");
  for (std::future<void>& worker : workers) worker.get();
  for (const std::string& hash : hashes) all += hash;
  return sha256(all);
}

WrittenFile hash_file(const fs::path& path) {
  const FileStamp stamp = stamp_of(path);
  return {stamp.bytes, stamp.modified_ns, sha256_file(path)};
}

}  // namespace unlearn
