#include "quantized.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "unlearn/core/error.h"
#include "unlearn/kernels/packed.h"
#include "unlearn/model/device_kernels.h"

namespace unlearn::model {
namespace {

using kernels::nf4_level;
constexpr int64_t kBlock = kernels::kPackedBlock;
constexpr int64_t kGroup = kernels::kPackedGroup;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

uint8_t nearest_level(float x) {
  // The first level whose midpoint with the next is not below x.
  uint8_t code = 0;
  while (code < 15 && x > 0.5F * (nf4_level(code) + nf4_level(code + 1))) ++code;
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
  return result;
}

torch::Tensor QuantizedMatrix::dequantize() const {
  const bool has_kernel = dtype == torch::kFloat || dtype == torch::kBFloat16;
  const torch::Tensor out =
      torch::empty({rows, columns}, codes.options().dtype(has_kernel ? dtype : torch::kFloat));
  kernels::PackedMatrix args;
  args.bits = bits;
  args.codes = codes.const_data_ptr();
  args.scales = scales.const_data_ptr<float>();
  if (bits == 4) args.peak_codes = peak_codes.const_data_ptr<int8_t>();
  args.dtype = kernel_dtype(out.scalar_type());
  args.out = out.data_ptr();
  args.rows = rows;
  args.columns = columns;
  if (codes.is_cpu()) {
    const int64_t units = bits == 8 ? rows : ceil_div(rows * columns, kBlock);
    at::parallel_for(0, units, bits == 8 ? 16 : 256,
                     [&](int64_t begin, int64_t end) { kernels::unpack_cpu(args, begin, end); });
  } else {
    const kernels::CudaLibrary* library = kernels_for(out);
    UNLEARN_CHECK(library != nullptr, "CUDA kernels are not loaded");
    check_launch(library->unpack(&args, current_stream(codes.device())), "unpack");
  }
  return out.to(dtype);
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
