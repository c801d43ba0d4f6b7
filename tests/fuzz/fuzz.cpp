#include "fuzz.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "unlearn/core/log.h"

namespace unlearn::fuzz {
namespace fs = std::filesystem;
namespace {

class Scratch {
 public:
  Scratch() {
    const char* given = std::getenv("UNLEARN_FUZZ_DIR");
    const fs::path parent = given != nullptr         ? fs::path(given)
                            : fs::exists("/dev/shm") ? fs::path("/dev/shm")
                                                     : fs::temp_directory_path();
    std::string pattern = (parent / "unlearn_fuzz.XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      std::perror(pattern.c_str());
      std::abort();
    }
    path_ = pattern;
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

std::vector<Target>& targets() {
  static std::vector<Target> all;
  return all;
}

bool add_target(const char* name, void (*run)(std::string_view input)) {
  log::set_level(log::Level::kOff);
  targets().push_back({name, run});
  return true;
}

const fs::path& scratch_folder() {
  static const Scratch scratch;
  return scratch.path();
}

fs::path scratch_file(const std::string& name, std::string_view content) {
  fs::path path = scratch_folder() / name;
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const ssize_t written = file < 0 ? -1 : ::write(file, content.data(), content.size());
  if (file < 0 || ::close(file) != 0 || written != static_cast<ssize_t>(content.size())) {
    std::perror(path.c_str());
    std::abort();
  }
  return path;
}

void remove_scratch_file(const std::string& name) { ::unlink((scratch_folder() / name).c_str()); }

std::vector<std::string_view> parts_of(std::string_view input, size_t count) {
  std::vector<std::string_view> parts;
  while (parts.size() + 1 < count) {
    const size_t end = std::min(input.find('\xff'), input.size());
    parts.push_back(input.substr(0, end));
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  parts.push_back(input);
  return parts;
}

}  // namespace unlearn::fuzz
