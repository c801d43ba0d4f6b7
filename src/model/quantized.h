// Frozen weight matrices in 8 or 4 bits, for LoRA over a small base (QLoRA, arXiv 2305.14314).
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "unlearn/model/causal_lm.h"

namespace unlearn::model {

// 8 bits: per row i, w = code * scale_i with scale_i = max|w_i| / 127 in fp32 and
//   code = round-half-even(w / scale_i) in int8.
// 4 bits: the matrix row by row in blocks of 64 elements (the last may be short), w = level[code] *
//   peak_j, levels those of NF4 (QLoRA, appendix E), code the level nearest to w / max|w_block|
//   (the lower one at a tie); two codes per byte, the first in the high half. Double quantisation:
//   with m the mean of all max|w_block|, in groups of 256 blocks, peak_j = m + code8_j * s_g, s_g =
//   max|max|w_block| - m| / 127 in fp32, code8 rounded half to even.
// Zero rows and blocks have scale 0 and give zeros.
struct QuantizedMatrix {
  int64_t bits = 8;
  int64_t rows = 0, columns = 0;
  torch::Dtype dtype = torch::kFloat32;  // of dequantize()
  torch::Tensor codes;                   // 8: [rows, columns] int8; 4: [ceil(n / 2)] uint8
  torch::Tensor scales;                  // 8: [rows] fp32; 4: [1 + groups] fp32: m, then s_g
  torch::Tensor peak_codes;              // 4: [blocks] int8

  // [out, in] on any device; the result lies on the CPU.
  static QuantizedMatrix quantize(const torch::Tensor& weight, int64_t bits);
  torch::Tensor dequantize() const;  // [rows, columns] in `dtype`, on the codes' device

  int64_t bytes() const;
  // What a matrix of this size would take.
  static int64_t bytes_of(int64_t rows, int64_t columns, int64_t bits);
  void to(torch::Device device);

  // Through an autograd context: tensors appended to its saved ones, numbers beside them.
  using Numbers = ska::flat_hash_map<std::string, at::IValue>;
  void save(std::vector<torch::Tensor>& tensors, Numbers& numbers) const;
  static QuantizedMatrix restore(const std::vector<torch::Tensor>& tensors, size_t first,
                                 const Numbers& numbers);
};

}  // namespace unlearn::model
