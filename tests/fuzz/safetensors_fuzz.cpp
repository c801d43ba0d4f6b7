// A safetensors file: its header, and every tensor that it claims.
#include "fuzz.h"
#include "unlearn/checkpoint/finite.h"
#include "unlearn/checkpoint/safetensors.h"

FUZZ_TARGET(safetensors) {
  const unlearn::checkpoint::SafetensorsFile file(
      unlearn::fuzz::scratch_file("model.safetensors", input));
  for (const auto& [name, info] : file.tensors()) {
    unlearn::checkpoint::has_nonfinite(file.view(name));
    file.release(name);
  }
}
