// GGUF's Q4_0: blocks of 32 with a float16 scale d and 32 codes of four bits. With M the element of
// largest magnitude (the first of equal ones) and s = M / -8, code = min(15, trunc(x / s + 8.5))
// and d = s in float16; x = (code - 8) * d. Byte j holds code j in its low half and code j + 16 in
// the other.
#include <algorithm>
#include <cmath>

#include "model/formats/gguf_blocks.h"

namespace unlearn::model {
namespace {

constexpr int64_t kQ4Weights = 32;
constexpr int64_t kQ4Half = kQ4Weights / 2;

void encode_q4_0(const float* x, uint8_t* out) {
  const float extreme = *std::max_element(
      x, x + kQ4Weights, [](float a, float b) { return std::abs(a) < std::abs(b); });
  const float scale = extreme / -8.0F;
  const float inverse = scale != 0.0F ? 1.0F / scale : 0.0F;
  store_half(scale, out);
  const auto code = [&](int64_t i) {
    // At least 0.5: the extreme gives -8 + 8.5 and no other is below it.
    return static_cast<uint8_t>(std::min(15, static_cast<int>(x[i] * inverse + 8.5F)));
  };
  for (int64_t j = 0; j < kQ4Half; ++j) {
    out[2 + j] = static_cast<uint8_t>(code(j) | code(j + kQ4Half) << 4);
  }
}

torch::Tensor decode_q4_0(const torch::Tensor& blocks) {
  const torch::Tensor pairs = blocks.narrow(1, 2, kQ4Half);
  const torch::Tensor codes =
      torch::cat({pairs.bitwise_and(15), pairs.bitwise_right_shift(4)}, 1).to(torch::kFloat);
  return (codes - 8) * half_column(blocks, 0);
}

constexpr GgufBlock kQ4Block{
    .weights = kQ4Weights, .bytes = 18, .encode = encode_q4_0, .decode = decode_q4_0};

}  // namespace

WeightFormat make_q4_0() {
  return {
      .name = "q4_0",
      .help = "4 bits: GGUF's Q4_0, blocks of 32 in a row",
      .bits = 4,
      .pack = [](const torch::Tensor& matrix) { return pack_gguf(kQ4Block, matrix); },
      .unpack = [](const PackedMatrix& packed) { return unpack_gguf(kQ4Block, packed); },
      .bytes = [](int64_t rows, int64_t columns) { return gguf_bytes(kQ4Block, rows, columns); }};
}

}  // namespace unlearn::model
