// Dropout masks whose elements are a pure function of (key, token, column).
#pragma once

#include "unlearn/core/mix_bits.h"
#include "unlearn/kernels/portable.h"

namespace unlearn::kernels {

struct DropoutArgs {
  DType dtype = DType::kFloat32;  // of out: kFloat32 or kBfloat16
  void* out = nullptr;            // [rows, columns]: 0 where an element falls out, else `kept`
  int64_t rows = 0;
  int64_t columns = 0;
  float kept = 1;
  uint64_t threshold = 0;  // an element stays when its 32 random bits reach it
  uint64_t key = 0;
  int64_t first_token = 0;  // of row 0
};
void dropout_cpu(const DropoutArgs& args, int64_t begin, int64_t end);  // rows [begin, end)

// Two neighbours by one hash; `column` is even.
struct DropoutPair {
  float first, second;
};
UNLEARN_PORTABLE DropoutPair dropout_pair(const DropoutArgs& args, int64_t row, int64_t column) {
  const uint64_t bits = mix_bits(args.key, static_cast<uint64_t>(args.first_token + row),
                                 static_cast<uint64_t>(column));
  return {(bits >> 32) >= args.threshold ? args.kept : 0.0F,
          (bits & 0xFFFFFFFFU) >= args.threshold ? args.kept : 0.0F};
}

}  // namespace unlearn::kernels
