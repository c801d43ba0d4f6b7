// NF4 (QLoRA, arXiv 2305.14314, appendix E) as its formats hold it: blocks of 64 elements in row
// order (the last may be short), w = level[code] * max|w_block|, code the level nearest to w /
// max|w_block| (the lower one at a tie). Zero blocks give zeros.
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace unlearn::model {

struct Nf4Blocks {
  torch::Tensor codes;  // [ceil(n / 2)] uint8: two codes per byte, the first in the high half
  torch::Tensor peaks;  // [blocks] fp32: the largest magnitudes
};
Nf4Blocks pack_nf4_blocks(const torch::Tensor& matrix);
int64_t nf4_blocks_of(int64_t elements);

}  // namespace unlearn::model
