// What the fuzz targets share. A target takes bytes that come from outside (a file, usually)
// through the function that reads them; it may be refused with a UserError, and nothing else may
// happen: no other exception, no undefined behaviour, no endless time, no endless memory.
//
// A target is one file <name>_fuzz.cpp with FUZZ_TARGET(name). clang makes programs of them that
// libFuzzer drives (libfuzzer.cpp, scripts/fuzz.sh); any compiler makes one that runs every target
// on its committed corpus (replay.cpp, a unit test).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "unlearn/core/error.h"

namespace unlearn::fuzz {

struct Target {
  std::string name;
  void (*run)(std::string_view input);
};

// Those that are linked in, in no particular order.
std::vector<Target>& targets();
bool add_target(const char* name, void (*run)(std::string_view input));

// A folder of this process's own, in memory where the machine has /dev/shm; gone when it ends.
const std::filesystem::path& scratch_folder();

// Writes <scratch_folder>/<name>, over what was there, and returns the path.
std::filesystem::path scratch_file(const std::string& name, std::string_view content);
void remove_scratch_file(const std::string& name);

// The input's parts between bytes 0xFF, which no UTF-8 text has: one for each of several files.
// Always `count` of them; the last takes what is left, missing ones are empty.
std::vector<std::string_view> parts_of(std::string_view input, size_t count);

// Runs `read`, which may refuse what it reads.
template <class Read>
void attempt(const Read& read) {
  try {
    read();
  } catch (const UserError&) {  // as it should
  }
}

}  // namespace unlearn::fuzz

#define FUZZ_TARGET(name)                                                         \
  static void fuzz_##name(std::string_view input);                                \
  static const bool has_##name = ::unlearn::fuzz::add_target(#name, fuzz_##name); \
  static void fuzz_##name([[maybe_unused]] std::string_view input)
