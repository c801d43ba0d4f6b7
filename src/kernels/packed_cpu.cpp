#include <algorithm>

#include "unlearn/kernels/packed.h"

namespace unlearn::kernels {
namespace {

template <class T>
void unpack_rows(const PackedMatrix& args, int64_t begin, int64_t end) {
  const auto* codes = static_cast<const int8_t*>(args.codes);
  T* out = static_cast<T*>(args.out);
  for (int64_t row = begin; row < end; ++row) {
    const float scale = args.scales[row];
    for (int64_t i = row * args.columns; i < (row + 1) * args.columns; ++i) {
      narrow(static_cast<float>(codes[i]) * scale, out[i]);
    }
  }
}

template <class T>
void unpack_blocks(const PackedMatrix& args, int64_t begin, int64_t end) {
  const auto* codes = static_cast<const uint8_t*>(args.codes);
  T* out = static_cast<T*>(args.out);
  T levels[kLevels];
  for (int64_t block = begin; block < end; ++block) {
    const float peak = packed_peak(args, block);
    for (int code = 0; code < kLevels; ++code) narrow(nf4_level(code) * peak, levels[code]);
    const int64_t last = std::min((block + 1) * kPackedBlock, args.rows * args.columns);
    for (int64_t i = block * kPackedBlock; i < last; i += 2) {
      out[i] = levels[codes[i / 2] >> 4];
      if (i + 1 < last) out[i + 1] = levels[codes[i / 2] & 15];
    }
  }
}

template <class T>
void unpack(const PackedMatrix& args, int64_t begin, int64_t end) {
  args.bits == 8 ? unpack_rows<T>(args, begin, end) : unpack_blocks<T>(args, begin, end);
}

}  // namespace

void unpack_cpu(const PackedMatrix& args, int64_t begin, int64_t end) {
  args.dtype == DType::kBfloat16 ? unpack<Bf16>(args, begin, end) : unpack<float>(args, begin, end);
}

}  // namespace unlearn::kernels
