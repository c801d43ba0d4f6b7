#include "quantized.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "unlearn/core/error.h"

namespace unlearn::model {
namespace {

constexpr int64_t kBlock = 64;   // elements that share a peak
constexpr int64_t kGroup = 256;  // peaks that share a scale

// NormalFloat-4: quantiles of a normal distribution, scaled to [-1, 1], with an exact zero.
constexpr std::array<float, 16> kLevels{-1.0F,
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

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

uint8_t nearest_level(float x) {
  // The first level whose midpoint with the next is not below x.
  uint8_t code = 0;
  while (code < 15 && x > 0.5F * (kLevels[code] + kLevels[code + 1])) ++code;
  return code;
}

// Rounds x / scale half to even into int8, 0 where the scale is 0.
int8_t round_code(float x, float scale) {
  return scale == 0.0F ? int8_t{0} : static_cast<int8_t>(std::nearbyintf(x / scale));
}

QuantizedMatrix quantize_rows(const torch::Tensor& weight, QuantizedMatrix result) {
  const auto* w = weight.const_data_ptr<float>();
  result.codes = torch::empty({result.rows, result.columns}, torch::kChar);
  result.scales = torch::empty({result.rows}, torch::kFloat);
  auto* codes = result.codes.mutable_data_ptr<int8_t>();
  auto* scales = result.scales.mutable_data_ptr<float>();
  at::parallel_for(0, result.rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* row = w + i * result.columns;
      float peak = 0;
      for (int64_t j = 0; j < result.columns; ++j) peak = std::max(peak, std::abs(row[j]));
      scales[i] = peak / 127.0F;
      for (int64_t j = 0; j < result.columns; ++j) {
        codes[i * result.columns + j] = round_code(row[j], scales[i]);
      }
    }
  });
  return result;
}

// Peaks of all blocks and the packed codes.
torch::Tensor quantize_blocks(const torch::Tensor& weight, torch::Tensor& codes) {
  const int64_t total = weight.numel();
  const int64_t blocks = ceil_div(total, kBlock);
  const auto* w = weight.const_data_ptr<float>();
  torch::Tensor peaks = torch::empty({blocks}, torch::kFloat);
  auto* peak_of = peaks.mutable_data_ptr<float>();
  auto* packed = codes.mutable_data_ptr<uint8_t>();
  at::parallel_for(0, blocks, 256, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * kBlock;
      const int64_t last = std::min(first + kBlock, total);
      float peak = 0;
      for (int64_t i = first; i < last; ++i) peak = std::max(peak, std::abs(w[i]));
      peak_of[block] = peak;
      const auto code = [&](int64_t i) {
        return i < last && peak > 0 ? nearest_level(w[i] / peak) : uint8_t{7};
      };
      for (int64_t i = first; i < last; i += 2) {
        packed[i / 2] = static_cast<uint8_t>(code(i) << 4 | code(i + 1));
      }
    }
  });
  return peaks;
}

void quantize_peaks(const torch::Tensor& peaks, QuantizedMatrix& result) {
  const int64_t blocks = peaks.numel();
  const int64_t groups = ceil_div(blocks, kGroup);
  const float mean = peaks.to(torch::kDouble).mean().to(torch::kFloat).item<float>();
  const auto* peak = peaks.const_data_ptr<float>();
  result.scales = torch::empty({1 + groups}, torch::kFloat);
  result.peak_codes = torch::empty({blocks}, torch::kChar);
  auto* scales = result.scales.mutable_data_ptr<float>();
  auto* codes = result.peak_codes.mutable_data_ptr<int8_t>();
  scales[0] = mean;
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t first = group * kGroup;
    const int64_t last = std::min(first + kGroup, blocks);
    float widest = 0;
    for (int64_t j = first; j < last; ++j) widest = std::max(widest, std::abs(peak[j] - mean));
    scales[1 + group] = widest / 127.0F;
    for (int64_t j = first; j < last; ++j) {
      codes[j] = round_code(peak[j] - mean, scales[1 + group]);
    }
  }
}

// The peaks as dequantisation sees them, [blocks] fp32.
torch::Tensor restore_peaks(const QuantizedMatrix& matrix) {
  const int64_t blocks = matrix.peak_codes.numel();
  const torch::Tensor scales =
      matrix.scales.slice(0, 1).repeat_interleave(kGroup).slice(0, 0, blocks);
  return matrix.scales[0] + matrix.peak_codes.to(torch::kFloat) * scales;
}

torch::Tensor dequantize_blocks_cpu(const QuantizedMatrix& matrix) {
  const int64_t total = matrix.rows * matrix.columns;
  const torch::Tensor peaks = restore_peaks(matrix);
  const auto* peak_of = peaks.const_data_ptr<float>();
  const auto* packed = matrix.codes.const_data_ptr<uint8_t>();
  torch::Tensor out = torch::empty({matrix.rows, matrix.columns}, torch::kFloat);
  auto* w = out.mutable_data_ptr<float>();
  at::parallel_for(0, peaks.numel(), 256, [&](int64_t begin, int64_t end) {
    std::array<float, 16> levels{};
    for (int64_t block = begin; block < end; ++block) {
      for (size_t c = 0; c < levels.size(); ++c) levels[c] = kLevels[c] * peak_of[block];
      const int64_t last = std::min((block + 1) * kBlock, total);
      for (int64_t i = block * kBlock; i < last; i += 2) {
        w[i] = levels[packed[i / 2] >> 4];
        if (i + 1 < last) w[i + 1] = levels[packed[i / 2] & 15];
      }
    }
  });
  return out;
}

// The same through ATen, on any device.
torch::Tensor dequantize_blocks(const QuantizedMatrix& matrix) {
  const int64_t total = matrix.rows * matrix.columns;
  const torch::Tensor levels =
      torch::tensor(std::vector<float>(kLevels.begin(), kLevels.end())).to(matrix.codes.device());
  const torch::Tensor halves =
      torch::stack({matrix.codes.bitwise_right_shift(4), matrix.codes.bitwise_and(15)}, 1);
  const torch::Tensor values = levels.index_select(0, halves.flatten().to(torch::kInt));
  const torch::Tensor peaks = restore_peaks(matrix).repeat_interleave(kBlock).slice(0, 0, total);
  return (values.slice(0, 0, total) * peaks).view({matrix.rows, matrix.columns});
}

}  // namespace

QuantizedMatrix QuantizedMatrix::quantize(const torch::Tensor& weight, int64_t bits) {
  UNLEARN_CHECK(weight.dim() == 2 && (bits == 8 || bits == 4));
  QuantizedMatrix result;
  result.bits = bits;
  result.rows = weight.size(0);
  result.columns = weight.size(1);
  result.dtype = weight.scalar_type();
  const torch::Tensor values = weight.detach().to(torch::kCPU, torch::kFloat).contiguous();
  if (bits == 8) {
    result = quantize_rows(values, std::move(result));
  } else {
    result.codes = torch::empty({ceil_div(values.numel(), 2)}, torch::kByte);
    quantize_peaks(quantize_blocks(values, result.codes), result);
  }
  result.to(weight.device());
  return result;
}

torch::Tensor QuantizedMatrix::dequantize() const {
  if (bits == 8) return (codes.to(torch::kFloat) * scales.unsqueeze(1)).to(dtype);
  return (codes.is_cpu() ? dequantize_blocks_cpu(*this) : dequantize_blocks(*this)).to(dtype);
}

int64_t QuantizedMatrix::bytes() const {
  int64_t total = 0;
  for (const torch::Tensor* part : {&codes, &scales, &peak_codes}) {
    if (part->defined()) total += static_cast<int64_t>(part->nbytes());
  }
  return total;
}

int64_t QuantizedMatrix::bytes_of(int64_t rows, int64_t columns, int64_t bits) {
  constexpr auto kScale = static_cast<int64_t>(sizeof(float));
  if (bits == 8) return rows * columns + rows * kScale;
  const int64_t blocks = ceil_div(rows * columns, kBlock);
  return ceil_div(rows * columns, 2) + blocks + (1 + ceil_div(blocks, kGroup)) * kScale;
}

void QuantizedMatrix::to(torch::Device device) {
  for (torch::Tensor* part : {&codes, &scales, &peak_codes}) {
    if (part->defined()) *part = part->to(device);
  }
}

void QuantizedMatrix::save(std::vector<torch::Tensor>& tensors, Numbers& numbers) const {
  for (const torch::Tensor* part : {&codes, &scales, &peak_codes}) tensors.push_back(*part);
  numbers["bits"] = bits;
  numbers["rows"] = rows;
  numbers["columns"] = columns;
  numbers["dtype"] = static_cast<int64_t>(dtype);
}

QuantizedMatrix QuantizedMatrix::restore(const std::vector<torch::Tensor>& tensors, size_t first,
                                         const Numbers& numbers) {
  return {numbers.at("bits").toInt(),
          numbers.at("rows").toInt(),
          numbers.at("columns").toInt(),
          static_cast<torch::Dtype>(numbers.at("dtype").toInt()),
          tensors.at(first),
          tensors.at(first + 1),
          tensors.at(first + 2)};
}

}  // namespace unlearn::model
