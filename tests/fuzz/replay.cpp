// Runs every target on its corpus, and on each input cut short and with bytes changed: the targets
// stay alive in builds without libFuzzer. `fuzz_replay CORPUS [TARGET FILE…]`.
#include <algorithm>
#include <cstdio>
#include <exception>

#include "fuzz.h"
#include "unlearn/core/files.h"

namespace unlearn::fuzz {
namespace fs = std::filesystem;
namespace {

constexpr int kVariants = 20;  // of each input

bool survives(const Target& target, std::string_view input, const std::string& name) {
  try {
    attempt([&] { target.run(input); });
    return true;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s: %s\n", target.name.c_str(), name.c_str(), error.what());
    return false;
  }
}

// The same bytes with a few changed, or without their end.
std::string variant_of(const std::string& input, uint64_t number) {
  std::string changed = input;
  if (changed.empty()) return changed;
  uint64_t state = number * 0x9e3779b97f4a7c15ULL + 1;
  const auto next = [&](uint64_t limit) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % limit;
  };
  if (number % 4 == 0) {
    changed.resize(next(changed.size()));
    return changed;
  }
  for (uint64_t i = 0; i <= number % 3; ++i) {
    changed[next(changed.size())] = static_cast<char>(next(256));
  }
  return changed;
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

int replay_all(const fs::path& corpus) {
  int inputs = 0, failures = 0;
  for (const Target& target : targets()) {
    const std::vector<fs::path> files = files_in(corpus / target.name);
    if (files.empty()) {
      std::fprintf(stderr, "%s: no corpus\n", target.name.c_str());
      ++failures;
    }
    for (const fs::path& file : files) {
      const std::string input = read_file(file);
      for (int number = 0; number <= kVariants; ++number) {
        const std::string variant =
            number == 0 ? input : variant_of(input, static_cast<uint64_t>(number));
        const std::string name = cat(file.filename().string(), ", variant ", number);
        ++inputs;
        if (!survives(target, variant, name)) ++failures;
      }
    }
  }
  std::printf("%zu fuzz targets, %d inputs, %d failures\n", targets().size(), inputs, failures);
  return failures == 0 && inputs > 0 ? 0 : 1;
}

int replay_files(const std::string& name, const std::vector<std::string>& files) {
  for (const Target& target : targets()) {
    if (target.name != name) continue;
    int failures = 0;
    for (const std::string& file : files)
      failures += survives(target, read_file(file), file) ? 0 : 1;
    return failures == 0 ? 0 : 1;
  }
  std::fprintf(stderr, "no fuzz target '%s'\n", name.c_str());
  return 2;
}

}  // namespace
}  // namespace unlearn::fuzz

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty()) {
    std::fprintf(stderr, "usage: fuzz_replay CORPUS | fuzz_replay CORPUS TARGET FILE...\n");
    return 2;
  }
  if (arguments.size() == 1) return unlearn::fuzz::replay_all(arguments[0]);
  return unlearn::fuzz::replay_files(arguments[1], {arguments.begin() + 2, arguments.end()});
}
