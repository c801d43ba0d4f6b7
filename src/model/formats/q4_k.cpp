// GGUF's Q4_K without an importance matrix: super-blocks of 256 with float16 d and dmin, and in
// each eight blocks of 32 with a 6-bit scale ls and a 6-bit minimum lm; x = d ls code - dmin lm
// with codes of four bits. Scale and minimum of a block are those of 21 candidates that fit best by
// weighted least squares (the weight of x is sqrt(mean x^2) + |x|); all arithmetic in fp32.
#include <algorithm>
#include <array>
#include <cmath>

#include "model/formats/gguf_blocks.h"

namespace unlearn::model {
namespace {

constexpr size_t kSubBlocks = 8, kSubWeights = 32;
constexpr float kTopCode = 15.0F, kTopScale = 63.0F;
constexpr int64_t kScalesAt = 4, kScaleBytes = 12, kCodesAt = 16, kCodeBytes = 128;
using SubValues = std::array<float, kSubWeights>;

// x ~ scale * code + low, low <= 0.
struct LineFit {
  float scale = 0;
  float low = 0;
};

SubValues codes_of(const float* x, float factor, float low) {
  SubValues codes;
  for (size_t i = 0; i < kSubWeights; ++i) {
    codes[i] = std::clamp(std::nearbyintf(factor * (x[i] - low)), 0.0F, kTopCode);
  }
  return codes;
}

float weighted_error(const float* x, const SubValues& weights, const SubValues& codes,
                     const LineFit& fit) {
  float error = 0;
  for (size_t i = 0; i < kSubWeights; ++i) {
    const float difference = fit.scale * codes[i] + fit.low - x[i];
    error += weights[i] * (difference * difference);
  }
  return error;
}

// The best line for these codes; none where they are all alike.
bool solve_line(const float* x, const SubValues& weights, const SubValues& codes, LineFit& fit) {
  float w = weights[0], wx = weights[0] * x[0], wq = 0, wqq = 0, wxq = 0;
  for (size_t i = 1; i < kSubWeights; ++i) {
    w += weights[i];
    wx += weights[i] * x[i];
  }
  for (size_t i = 0; i < kSubWeights; ++i) {
    wq += weights[i] * codes[i];
    wqq += weights[i] * codes[i] * codes[i];
    wxq += weights[i] * codes[i] * x[i];
  }
  const float determinant = w * wqq - wq * wq;
  if (!(determinant > 0)) return false;
  fit = {(w * wxq - wx * wq) / determinant, (wqq * wx - wq * wxq) / determinant};
  if (fit.low > 0) fit = {wxq / wqq, 0.0F};
  return true;
}

struct BlockFit {
  LineFit line;
  SubValues codes = {};
};

BlockFit fit_block(const float* x) {
  float squares = 0;
  for (size_t i = 0; i < kSubWeights; ++i) squares += x[i] * x[i];
  const float spread = std::sqrt(squares / static_cast<float>(kSubWeights));
  SubValues weights;
  for (size_t i = 0; i < kSubWeights; ++i) weights[i] = spread + std::abs(x[i]);
  const auto [least, most] = std::minmax_element(x, x + kSubWeights);
  const float low = std::min(0.0F, *least), high = *most;
  if (high == low) return {{0.0F, low}};
  const float first_factor = kTopCode / (high - low);
  BlockFit best{{1.0F / first_factor, low}, codes_of(x, first_factor, low)};
  float error = weighted_error(x, weights, best.codes, best.line);
  for (int trial = 0; trial <= 20; ++trial) {
    // As GGUF: from the best low so far, not from the block's least value.
    const float kept_low = best.line.low;
    const float factor = (-1.0F + 0.1F * static_cast<float>(trial) + kTopCode) / (high - kept_low);
    const SubValues codes = codes_of(x, factor, kept_low);
    LineFit line;
    if (!solve_line(x, weights, codes, line)) continue;
    const float line_error = weighted_error(x, weights, codes, line);
    if (line_error < error) {
      best = {line, codes};
      error = line_error;
    }
  }
  return best;
}

// Eight scales and eight minima of six bits in twelve bytes.
void store_scales(const std::array<uint8_t, kSubBlocks>& scales,
                  const std::array<uint8_t, kSubBlocks>& minima, uint8_t* out) {
  for (size_t j = 0; j < 4; ++j) {
    out[j] = static_cast<uint8_t>(scales[j] | scales[j + 4] >> 4 << 6);
    out[j + 4] = static_cast<uint8_t>(minima[j] | minima[j + 4] >> 4 << 6);
    out[j + 8] = static_cast<uint8_t>((scales[j + 4] & 15) | (minima[j + 4] & 15) << 4);
  }
}

uint8_t six_bits(float value, float largest) {
  const float factor = largest > 0 ? kTopScale / largest : 0.0F;
  return static_cast<uint8_t>(std::min(kTopScale, std::nearbyintf(factor * value)));
}

void encode_q4_k(const float* x, uint8_t* out) {
  std::array<BlockFit, kSubBlocks> fits;
  float most_scale = 0, most_minimum = 0;
  for (size_t j = 0; j < kSubBlocks; ++j) {
    fits[j] = fit_block(x + j * kSubWeights);
    most_scale = std::max(most_scale, fits[j].line.scale);
    most_minimum = std::max(most_minimum, -fits[j].line.low);
  }
  std::array<uint8_t, kSubBlocks> scales, minima;
  for (size_t j = 0; j < kSubBlocks; ++j) {
    scales[j] = six_bits(fits[j].line.scale, most_scale);
    minima[j] = six_bits(-fits[j].line.low, most_minimum);
  }
  const float d = store_half(most_scale / kTopScale, out);
  const float dmin = store_half(most_minimum / kTopScale, out + 2);
  store_scales(scales, minima, out + kScalesAt);
  uint8_t* codes = out + kCodesAt;
  std::fill_n(codes, kCodeBytes, uint8_t{0});
  for (size_t j = 0; j < kSubBlocks; ++j) {
    const float scale = d * static_cast<float>(scales[j]);
    const float minimum = dmin * static_cast<float>(minima[j]);
    for (size_t i = 0; i < kSubWeights; ++i) {
      const float value = x[j * kSubWeights + i];
      // Without a scale the codes mean nothing; GGUF leaves those of the fit.
      const float code = scale != 0 ? std::nearbyintf((value + minimum) / scale) : fits[j].codes[i];
      const auto bits = static_cast<uint8_t>(std::clamp(code, 0.0F, kTopCode));
      codes[j / 2 * kSubWeights + i] |= static_cast<uint8_t>(bits << (j % 2 * 4));
    }
  }
}

torch::Tensor decode_q4_k(const torch::Tensor& blocks) {
  const torch::Tensor packed = blocks.narrow(1, kScalesAt, kScaleBytes);
  const torch::Tensor first = packed.narrow(1, 0, 4), second = packed.narrow(1, 4, 4);
  const torch::Tensor third = packed.narrow(1, 8, 4);
  const auto high_bits = [](const torch::Tensor& bytes) {
    return bytes.bitwise_right_shift(6).bitwise_left_shift(4);
  };
  const auto joined = [](const torch::Tensor& a, const torch::Tensor& b) {
    return torch::cat({a, b}, 1).to(torch::kFloat);
  };
  const torch::Tensor scales =
      joined(first.bitwise_and(63), third.bitwise_and(15).bitwise_or(high_bits(first)));
  const torch::Tensor minima =
      joined(second.bitwise_and(63), third.bitwise_right_shift(4).bitwise_or(high_bits(second)));
  const torch::Tensor pairs = blocks.narrow(1, kCodesAt, kCodeBytes).reshape({-1, 4, 1, 32});
  const torch::Tensor codes =
      torch::cat({pairs.bitwise_and(15), pairs.bitwise_right_shift(4)}, 2).to(torch::kFloat);
  const torch::Tensor d = (half_column(blocks, 0) * scales).view({-1, 4, 2, 1});
  const torch::Tensor dmin = (half_column(blocks, 2) * minima).view({-1, 4, 2, 1});
  return (d * codes - dmin).view({-1, kSubBlocks * kSubWeights});
}

constexpr GgufBlock kQ4KBlock{.weights = kSubBlocks * kSubWeights,
                              .bytes = 144,
                              .encode = encode_q4_k,
                              .decode = decode_q4_k};

}  // namespace

WeightFormat make_q4_k() {
  return {
      .name = "q4_k",
      .help = "4 bits: GGUF's Q4_K, blocks of 32 in super-blocks of 256 in a row",
      .bits = 4,
      .pack = [](const torch::Tensor& matrix) { return pack_gguf(kQ4KBlock, matrix); },
      .unpack = [](const PackedMatrix& packed) { return unpack_gguf(kQ4KBlock, packed); },
      .bytes = [](int64_t rows, int64_t columns) { return gguf_bytes(kQ4KBlock, rows, columns); }};
}

}  // namespace unlearn::model
