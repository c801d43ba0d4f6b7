// Packed matrices of 8 and 4 bits, back to fp32 or bf16. src/model/formats/ describes the formats.
#pragma once

#include "unlearn/kernels/portable.h"

namespace unlearn::kernels {

constexpr int64_t kPackedBlock = 64;   // 4 bits: elements that share a peak
constexpr int64_t kPackedGroup = 256;  // 4 bits: peaks that share a scale
constexpr int kLevels = 16;

struct PackedMatrix {
  int64_t bits = 8;
  const void* codes = nullptr;    // 8: int8 [rows, columns]; 4: two per byte, high half first
  const float* scales = nullptr;  // 8: [rows]; 4: [blocks], or [1 + groups], the mean peak first
  const int8_t* peak_codes = nullptr;  // 4: [blocks]; null: the scales are the peaks
  DType dtype = DType::kFloat32;       // of `out`: kFloat32 or kBfloat16
  void* out = nullptr;                 // [rows, columns]
  int64_t rows = 0;
  int64_t columns = 0;
};
// What can be unpacked apart from the rest: rows of 8 bits, blocks of 4.
inline int64_t unpack_units(const PackedMatrix& args) {
  return args.bits == 8 ? args.rows : (args.rows * args.columns + kPackedBlock - 1) / kPackedBlock;
}
// Units [begin, end).
void unpack_cpu(const PackedMatrix& args, int64_t begin, int64_t end);

// NormalFloat-4 (arXiv 2305.14314, appendix E): quantiles of a normal distribution, scaled to
// [-1, 1], with an exact zero.
UNLEARN_PORTABLE float nf4_level(int code) {
  constexpr float kValues[kLevels] = {-1.0F,
                                      -0.6961928009986877F,
                                      -0.5250730514526367F,
                                      -0.39491748809814453F,
                                      -0.28444138169288635F,
                                      -0.18477343022823334F,
                                      -0.09105003625154495F,
                                      0.0F,
                                      0.07958029955625534F,
                                      0.16093020141124725F,
                                      0.24611230194568634F,
                                      0.33791524171829224F,
                                      0.44070982933044434F,
                                      0.5626170039176941F,
                                      0.7229568362236023F,
                                      1.0F};
  return kValues[code];
}

UNLEARN_PORTABLE float packed_peak(const PackedMatrix& args, int64_t block) {
  if (args.peak_codes == nullptr) return args.scales[block];
  const auto code = static_cast<float>(args.peak_codes[block]);
  return args.scales[0] + code * args.scales[1 + block / kPackedGroup];
}

}  // namespace unlearn::kernels
