// What libFuzzer calls. A program holds several targets; UNLEARN_FUZZ_TARGET names the one that
// runs.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "fuzz.h"

namespace {

const unlearn::fuzz::Target& chosen_target() {
  const char* name = std::getenv("UNLEARN_FUZZ_TARGET");
  for (const auto& target : unlearn::fuzz::targets()) {
    if (name != nullptr && target.name == name) return target;
  }
  std::fprintf(stderr, "UNLEARN_FUZZ_TARGET must be one of:\n");
  for (const auto& target : unlearn::fuzz::targets()) {
    std::fprintf(stderr, "  %s\n", target.name.c_str());
  }
  std::exit(2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const unlearn::fuzz::Target& target = chosen_target();
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  unlearn::fuzz::attempt([&] { target.run(input); });
  return 0;
}
