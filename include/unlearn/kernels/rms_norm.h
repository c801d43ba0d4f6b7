// RMSNorm, forward and backward (arXiv 1910.07467).
#pragma once

#include "unlearn/kernels/portable.h"

namespace unlearn::kernels {

// All matrices are [rows, width] of `dtype` (kFloat32 or kBfloat16).
struct RmsNorm {
  DType dtype = DType::kFloat32;
  int64_t rows = 0;
  int64_t width = 0;
  float epsilon = 0;
  const void* x = nullptr;
  const void* weight = nullptr;  // [width]
  float* scale = nullptr;        // [rows]: 1 / sqrt(mean(x^2) + epsilon)

  void* out = nullptr;  // forward: round(x scale) weight, as transformers rounds

  // Backward.
  const void* gradient = nullptr;  // of out
  void* x_gradient = nullptr;
  float* weight_parts = nullptr;  // [parts, width]: sums over the rows of each part; null: none
  int64_t parts = 0;
};

// Rows up to this width are one warp's on a GPU, eight of them a thread block's: a block of its own
// for each (the norms of single heads) would leave most of its threads without work.
constexpr int64_t kShortRow = 256;
constexpr int64_t kShortRowsPerBlock = 8;

void rms_norm_forward_cpu(const RmsNorm& args, int64_t begin, int64_t end);
// Part p of the weight's gradient covers rows p, p + parts, p + 2 parts, …; parts [begin, end).
void rms_norm_backward_cpu(const RmsNorm& args, int64_t begin, int64_t end);

}  // namespace unlearn::kernels
