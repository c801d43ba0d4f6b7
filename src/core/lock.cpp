#include "unlearn/core/lock.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <utility>

#include "core/digest.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/json.h"
#include "unlearn/core/log.h"

namespace unlearn {
namespace fs = std::filesystem;
namespace {

enum class Taken { kYes, kNo, kNoLocksHere };

// An open file description's lock: it does not end when another descriptor of this process for the
// same file is closed, as a process's would.
Taken take_kernel_lock(int descriptor) {
  struct flock region {};
  region.l_type = F_WRLCK;
  region.l_whence = SEEK_SET;
  for (const int command : {F_OFD_SETLK, F_SETLK}) {
    region.l_pid = 0;
    if (::fcntl(descriptor, command, &region) == 0) return Taken::kYes;
    if (errno == EAGAIN || errno == EACCES) return Taken::kNo;
  }
  return Taken::kNoLocksHere;
}

std::string text_or_empty(const fs::path& file) {
  try {
    return std::string(trim(read_file(file)));
  } catch (const UserError&) {
    return "";
  }
}

// Processes have a number in their container and a time at which they began.
std::string namespace_of_processes() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/ns/pid", ignored).string();
}

std::string start_of(int64_t process) {
  const std::string line = text_or_empty(cat("/proc/", process, "/stat"));
  // The name in parentheses may hold spaces; the 20th field after it is the time of the start.
  constexpr size_t kStart = 20;
  const size_t end = line.rfind(')');
  if (end == std::string::npos) return "";
  const std::vector<std::string> fields = split(line.substr(end + 1), ' ');
  return fields.size() > kStart ? fields[kStart] : "";
}

Json own_record() {
  char host[HOST_NAME_MAX + 1] = {};
  ::gethostname(host, sizeof host - 1);
  char since[32] = {};
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  std::strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S UTC", ::gmtime_r(&now, &parts));
  const int64_t process = ::getpid();
  return {{"process", process},
          {"host", host},
          {"since", since},
          {"started", start_of(process)},
          {"boot", text_or_empty("/proc/sys/kernel/random/boot_id")},
          {"processes", namespace_of_processes()}};
}

// A record of this program; an empty object when it is none.
Json parse_record(const std::string& text) {
  Json record = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const Json own = own_record();
  bool is_whole = record.is_object();
  for (const auto& [key, value] : own.items()) {
    is_whole = is_whole && record.contains(key) &&
               (value.is_string() ? record[key].is_string() : record[key].is_number_integer());
  }
  return is_whole ? record : Json::object();
}

bool may_be_alive(const Json& owner) {
  const Json own = own_record();
  if (owner.at("boot") != own.at("boot") || owner.at("processes") != own.at("processes")) {
    return true;  // of another machine or container
  }
  return start_of(owner.at("process").get<int64_t>()) == owner.at("started");
}

std::string describe(const std::string& text) {
  const Json owner = parse_record(text);
  if (owner.empty()) return "of unknown number";
  return cat("process ", owner.at("process").dump(), " on ", owner.at("host").get<std::string>(),
             ", since ", owner.at("since").get<std::string>());
}

// Through the lock's own descriptor: closing another one would end a lock of the older kind.
std::string text_of(int descriptor) {
  std::string text(4096, '\0');
  const ssize_t size = ::pread(descriptor, text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return text;
}

bool is_still_there(int descriptor, const fs::path& file) {
  struct stat open_file {
  }, named{};
  return ::fstat(descriptor, &open_file) == 0 && ::stat(file.c_str(), &named) == 0 &&
         open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

// What a process leaves that dies, or has no room, while it writes its record.
bool is_unfinished_record(std::string_view text) {
  constexpr std::string_view kBegin = "{\"process\":";
  return text.find('\n') == std::string_view::npos &&
         kBegin.starts_with(text.substr(0, kBegin.size()));
}

// Returns errno of what failed, or 0.
int write_all_at_start(int descriptor, std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const ssize_t count =
        ::pwrite(descriptor, text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count < 0 ? errno : EIO;
    at += static_cast<size_t>(count);
  }
  return 0;
}

void write_record(int descriptor, const fs::path& file) {
  int error = ::ftruncate(descriptor, 0) == 0 ? 0 : errno;
  if (error == 0) error = write_all_at_start(descriptor, own_record().dump() + "\n");
  if (error == 0) return;
  if (::ftruncate(descriptor, 0) != 0) {  // an unfinished record is told from a stranger's file
    log::debug(file.string(), ": an unfinished record is left");
  }
  user_error(file.string(), ": cannot write: ", std::strerror(error));
}

}  // namespace

std::optional<FileLock::Owner> FileLock::take(const fs::path& file) {
  constexpr mode_t kMode = 0666;  // less the umask
  for (;;) {
    Descriptor opened(
        ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, kMode));
    if (opened.value < 0) {
      user_error(file.string(), ": cannot open for writing: ", std::strerror(errno));
    }
    const Taken taken = take_kernel_lock(opened.value);
    std::string text = text_of(opened.value);
    if (text.find_first_not_of('\0') == std::string::npos) text.clear();  // after a power cut
    const Json owner = parse_record(text);
    bool is_held = taken == Taken::kNo;
    if (taken == Taken::kNoLocksHere) is_held = !owner.empty() && may_be_alive(owner);
    if (is_held) return Owner{describe(text), taken == Taken::kNoLocksHere};
    // Its owner may have removed it in between: then once more, with the new one.
    if (!is_still_there(opened.value, file)) continue;
    if (!text.empty() && owner.empty() && !is_unfinished_record(text)) {
      user_error(file.string(), ": is no lock of this program; move it away");
    }
    write_record(opened.value, file);
    file_ = file;
    descriptor_ = std::exchange(opened.value, -1);
    return std::nullopt;
  }
}

FileLock::FileLock(const fs::path& file, const std::string& what) {
  if (const auto owner = take(file)) {
    user_error(what, ": another process is at work in it (", owner->text,
               "); wait until it is done, or stop it",
               owner->is_record ? cat("; if it is gone for certain, remove ", file.string()) : "");
  }
}

std::optional<FileLock> FileLock::take_free(const fs::path& file) {
  FileLock lock;
  if (lock.take(file)) return std::nullopt;
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept
    : file_(std::move(other.file_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock::~FileLock() {
  if (descriptor_ < 0) return;
  // Before it is free, so that nobody can have taken what is removed.
  if (is_still_there(descriptor_, file_)) {
    std::error_code ignored;
    fs::remove(file_, ignored);
  }
  ::close(descriptor_);
}

}  // namespace unlearn
