#include "model/formats/nf4_blocks.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "model/formats/packing.h"

namespace unlearn::model {
namespace {

constexpr int64_t kNf4Block = kernels::kPackedBlock;
constexpr uint8_t kZeroCode = 7;

uint8_t nearest_level(float x) {
  using kernels::nf4_level;
  // The first level whose midpoint with the next is not below x.
  uint8_t code = 0;
  while (code < 15 && x > 0.5F * (nf4_level(code) + nf4_level(code + 1))) ++code;
  return code;
}

}  // namespace

int64_t nf4_blocks_of(int64_t elements) { return divide_up(elements, kNf4Block); }

Nf4Blocks pack_nf4_blocks(const torch::Tensor& matrix) {
  const int64_t total = matrix.numel();
  const int64_t blocks = nf4_blocks_of(total);
  const auto* w = matrix.const_data_ptr<float>();
  const Nf4Blocks result{torch::empty({divide_up(total, 2)}, torch::kByte),
                         torch::empty({blocks}, torch::kFloat)};
  auto* packed = result.codes.mutable_data_ptr<uint8_t>();
  auto* peak_of = result.peaks.mutable_data_ptr<float>();
  at::parallel_for(0, blocks, 256, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * kNf4Block;
      const int64_t last = std::min(first + kNf4Block, total);
      float peak = 0;
      for (int64_t i = first; i < last; ++i) peak = std::max(peak, std::abs(w[i]));
      peak_of[block] = peak;
      const auto code = [&](int64_t i) {
        return i < last && peak > 0 ? nearest_level(w[i] / peak) : kZeroCode;
      };
      for (int64_t i = first; i < last; i += 2) {
        packed[i / 2] = static_cast<uint8_t>(code(i) << 4 | code(i + 1));
      }
    }
  });
  return result;
}

}  // namespace unlearn::model
