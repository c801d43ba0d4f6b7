// GGUF's block formats (github.com/ggml-org/llama.cpp, ggml/src/ggml-quants.c) as weight formats: a
// row is cut into blocks of equally many weights, and each block is stored in the bytes that a GGUF
// file holds. GGUF itself has no rows that end inside a block; here such a row is filled up with
// zeros, which are not handed out again.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "unlearn/model/weight_format.h"

namespace unlearn::model {

struct GgufBlock {
  int64_t weights = 32;  // of one block
  int64_t bytes = 34;
  // Stores `weights` values at `x` in `bytes` bytes at `out`.
  void (*encode)(const float* x, uint8_t* out) = nullptr;
  // Blocks [n, bytes] uint8, contiguous, on any device -> values [n, weights] fp32.
  torch::Tensor (*decode)(const torch::Tensor& blocks) = nullptr;
};

// One part: [rows, blocks per row * bytes] uint8.
std::vector<torch::Tensor> pack_gguf(const GgufBlock& block, const torch::Tensor& matrix);
torch::Tensor unpack_gguf(const GgufBlock& block, const PackedMatrix& packed);
int64_t gguf_bytes(const GgufBlock& block, int64_t rows, int64_t columns);

// A float16 in two bytes of a block, the lower one first: what a value is rounded to, and the
// column `first` of blocks as fp32 [n, 1].
float store_half(float value, uint8_t* out);
torch::Tensor half_column(const torch::Tensor& blocks, int64_t first);

}  // namespace unlearn::model
