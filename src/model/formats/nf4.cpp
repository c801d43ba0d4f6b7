// NF4 with double quantisation (QLoRA, arXiv 2305.14314): the blocks of nf4_fp32, their peaks in 8
// bits. With m the mean of all peaks, in groups of 256 blocks, peak_j = m + code8_j * s_g, s_g =
// max|peak - m| / 127 in fp32, code8 rounded half to even. Parts: codes [ceil(n / 2)] uint8, scales
// [1 + groups] fp32 (m, then s_g), peak codes [blocks] int8.
#include <algorithm>
#include <cmath>

#include "model/formats/nf4_blocks.h"
#include "model/formats/packing.h"

namespace unlearn::model {
namespace {

constexpr int64_t kPeakGroup = kernels::kPackedGroup;

std::vector<torch::Tensor> pack_nf4(const torch::Tensor& matrix) {
  const Nf4Blocks packed = pack_nf4_blocks(matrix);
  const int64_t blocks = packed.peaks.numel();
  const int64_t groups = divide_up(blocks, kPeakGroup);
  const float mean = packed.peaks.to(torch::kDouble).mean().to(torch::kFloat).item<float>();
  const auto* peak = packed.peaks.const_data_ptr<float>();
  const torch::Tensor scales = torch::empty({1 + groups}, torch::kFloat);
  const torch::Tensor peak_codes = torch::empty({blocks}, torch::kChar);
  auto* scale = scales.mutable_data_ptr<float>();
  auto* code = peak_codes.mutable_data_ptr<int8_t>();
  scale[0] = mean;
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t first = group * kPeakGroup;
    const int64_t last = std::min(first + kPeakGroup, blocks);
    float widest = 0;
    for (int64_t j = first; j < last; ++j) widest = std::max(widest, std::abs(peak[j] - mean));
    scale[1 + group] = widest / 127.0F;
    for (int64_t j = first; j < last; ++j) code[j] = round_code(peak[j] - mean, scale[1 + group]);
  }
  return {packed.codes, scales, peak_codes};
}

torch::Tensor unpack_nf4(const PackedMatrix& packed) {
  kernels::PackedMatrix args;
  args.bits = 4;
  args.codes = packed.parts[0].const_data_ptr();
  args.scales = packed.parts[1].const_data_ptr<float>();
  args.peak_codes = packed.parts[2].const_data_ptr<int8_t>();
  return run_unpack(packed, args);
}

int64_t nf4_bytes(int64_t rows, int64_t columns) {
  const int64_t blocks = nf4_blocks_of(rows * columns);
  return divide_up(rows * columns, 2) + blocks +
         (1 + divide_up(blocks, kPeakGroup)) * static_cast<int64_t>(sizeof(float));
}

}  // namespace

WeightFormat make_nf4() {
  return {.name = "nf4",
          .help = "4 bits: NF4 in blocks of 64, their scales in 8 bits (double quantisation)",
          .bits = 4,
          .base_bits = 4,
          .pack = pack_nf4,
          .unpack = unpack_nf4,
          .bytes = nf4_bytes};
}

}  // namespace unlearn::model
