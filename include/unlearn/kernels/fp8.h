// Matrices in 8-bit floating point (e4m3: 4 bits of exponent, 3 of mantissa, no infinity;
// Micikevicius et al., arXiv 2209.05433), each row or column with a scale of its own: value = code
// * scale.
#pragma once

#include "unlearn/kernels/portable.h"

namespace unlearn::kernels {

constexpr float kLargestE4m3 = 448;

// x [rows, width]. By rows: codes [rows, width], scale [rows]. By columns, turned:
// codes [width, rows], scale [width].
struct Fp8Matrix {
  DType dtype = DType::kFloat32;  // of x: kFloat32 or kBfloat16
  const void* x = nullptr;
  uint8_t* codes = nullptr;
  float* scale = nullptr;
  int64_t rows = 0, width = 0;
};
void fp8_rows_cpu(const Fp8Matrix& args, int64_t begin, int64_t end);     // rows [begin, end)
void fp8_columns_cpu(const Fp8Matrix& args, int64_t begin, int64_t end);  // columns [begin, end)

// What a row with this largest magnitude is divided by. A row of zeros has codes 0 at any scale.
UNLEARN_PORTABLE float fp8_scale(float maximum) {
  return maximum > 0 ? maximum / kLargestE4m3 : 1.0F;
}

// Rounds to nearest, ties to even; magnitudes up to 448 (a little more is 448, NaN is NaN).
UNLEARN_PORTABLE uint8_t to_e4m3(float value) {
  constexpr uint32_t kSmallestExponent =
      127 - 6;  // of a normal number; below, steps stay as they are
  constexpr int kMantissa = 3;
  const uint32_t bits = float_bits(value);
  const uint32_t sign = bits >> 31 << 7;
  float magnitude = float_from_bits(bits & 0x7FFFFFFFU);
  if (!(magnitude == magnitude)) return static_cast<uint8_t>(sign | 0x7FU);
  if (magnitude > kLargestE4m3) magnitude = kLargestE4m3;
  const uint32_t field = float_bits(magnitude) >> 23;
  const uint32_t exponent = field < kSmallestExponent ? kSmallestExponent : field;
  // 1.5 * 2^23 of the steps between neighbours: a sum with it has no place for anything finer.
  const float coarse = float_from_bits(((exponent - kMantissa + 23) << 23) | (1U << 22));
  const float rounded = (magnitude + coarse) - coarse;
  const uint32_t result = float_bits(rounded);
  if (result >> 23 < kSmallestExponent) {
    return static_cast<uint8_t>(sign | static_cast<uint32_t>(rounded * 512.0F));
  }
  return static_cast<uint8_t>(sign | (((result >> 23) - kSmallestExponent + 1) << kMantissa) |
                              ((result >> 20) & 7U));
}

}  // namespace unlearn::kernels
