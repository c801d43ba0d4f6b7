// GGUF's Q8_0: blocks of 32 with a float16 scale d and 32 int8 codes. With s = max|x| / 127 in
// fp32, code = x * (1 / s) rounded half away from zero and d = s in float16; x = code * d.
#include <algorithm>
#include <cmath>

#include "model/formats/gguf_blocks.h"

namespace unlearn::model {
namespace {

constexpr int64_t kQ8Weights = 32;

void encode_q8_0(const float* x, uint8_t* out) {
  float peak = 0;
  for (int64_t i = 0; i < kQ8Weights; ++i) peak = std::max(peak, std::abs(x[i]));
  const float scale = peak / 127.0F;
  const float inverse = scale != 0.0F ? 1.0F / scale : 0.0F;
  store_half(scale, out);
  for (int64_t i = 0; i < kQ8Weights; ++i) {
    out[2 + i] = static_cast<uint8_t>(static_cast<int8_t>(std::roundf(x[i] * inverse)));
  }
}

torch::Tensor decode_q8_0(const torch::Tensor& blocks) {
  const torch::Tensor codes = blocks.narrow(1, 2, kQ8Weights).contiguous().view(torch::kChar);
  return codes.to(torch::kFloat) * half_column(blocks, 0);
}

constexpr GgufBlock kQ8Block{
    .weights = kQ8Weights, .bytes = 34, .encode = encode_q8_0, .decode = decode_q8_0};

}  // namespace

WeightFormat make_q8_0() {
  return {
      .name = "q8_0",
      .help = "8 bits: GGUF's Q8_0, blocks of 32 in a row",
      .bits = 8,
      .pack = [](const torch::Tensor& matrix) { return pack_gguf(kQ8Block, matrix); },
      .unpack = [](const PackedMatrix& packed) { return unpack_gguf(kQ8Block, packed); },
      .bytes = [](int64_t rows, int64_t columns) { return gguf_bytes(kQ8Block, rows, columns); }};
}

}  // namespace unlearn::model
