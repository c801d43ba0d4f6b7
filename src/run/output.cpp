#include "unlearn/run/output.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

bool is_same_file(const struct stat& one, const fs::path& other) {
  struct stat info {};
  return S_ISREG(one.st_mode) && ::stat(other.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         one.st_dev == info.st_dev && one.st_ino == info.st_ino;
}

// Whether the open or named file is `input`, or one of a model folder's.
bool is_part_of(const struct stat& file, const fs::path& input) {
  std::error_code ignored;
  if (!fs::is_directory(input, ignored)) return is_same_file(file, input);
  const fs::directory_iterator entries(input, ignored);
  return std::any_of(begin(entries), end(entries),
                     [&](const auto& entry) { return is_same_file(file, entry.path()); });
}

}  // namespace

void check_not_input(const std::string& flag, const std::string& output,
                     const std::vector<NamedInput>& inputs) {
  const bool is_stdout = output.empty() || output == "/dev/stdout";
  struct stat file {};
  const bool exists =
      is_stdout ? ::fstat(STDOUT_FILENO, &file) == 0 : ::stat(output.c_str(), &file) == 0;
  for (const auto& [name, input] : inputs) {
    if (input.empty()) continue;
    const bool is_folder = fs::is_directory(input);
    if ((exists && is_part_of(file, input)) ||
        (is_folder && !is_stdout && lies_in(output, input))) {
      user_error(is_stdout ? "stdout" : cat(flag, " ", output), ": ",
                 is_folder ? "lies in" : "is the input of", " ", name, " (", input,
                 "), which is not written to; give another file");
    }
  }
}

void write_lines(const std::string& output, const std::vector<std::string>& lines) {
  const auto write = [&](std::ostream& out) {
    for (const std::string& line : lines) out << line << '\n';
  };
  if (output.empty()) {
    write(std::cout);
  } else {
    write_file_atomic(output, write);
  }
}

}  // namespace unlearn::run
