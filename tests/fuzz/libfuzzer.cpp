// The entry that libFuzzer calls; the program holds one target.
#include <cstddef>
#include <cstdint>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const unlearn::fuzz::Target& target = unlearn::fuzz::targets().front();
  unlearn::fuzz::attempt([&] { target.run(input); });
  return 0;
}
