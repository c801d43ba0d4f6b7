// int8: per row i, w = code * scale_i with scale_i = max|w_i| / 127 in fp32 and code =
// round-half-even(w / scale_i), as LLM.int8 stores weights (arXiv 2208.07339). Zero rows have scale
// 0 and give zeros. Parts: codes [rows, columns] int8, scales [rows] fp32.
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "model/formats/packing.h"

namespace unlearn::model {
namespace {

std::vector<torch::Tensor> pack_int8(const torch::Tensor& matrix) {
  const int64_t columns = matrix.size(1);
  const auto* w = matrix.const_data_ptr<float>();
  const torch::Tensor codes = torch::empty(matrix.sizes(), torch::kChar);
  const torch::Tensor scales = torch::empty({matrix.size(0)}, torch::kFloat);
  auto* code = codes.mutable_data_ptr<int8_t>();
  auto* scale = scales.mutable_data_ptr<float>();
  at::parallel_for(0, matrix.size(0), 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* row = w + i * columns;
      float peak = 0;
      for (int64_t j = 0; j < columns; ++j) peak = std::max(peak, std::abs(row[j]));
      scale[i] = peak / 127.0F;
      for (int64_t j = 0; j < columns; ++j) code[i * columns + j] = round_code(row[j], scale[i]);
    }
  });
  return {codes, scales};
}

torch::Tensor unpack_int8(const PackedMatrix& packed) {
  kernels::PackedMatrix args;
  args.bits = 8;
  args.codes = packed.parts[0].const_data_ptr();
  args.scales = packed.parts[1].const_data_ptr<float>();
  return run_unpack(packed, args);
}

int64_t int8_bytes(int64_t rows, int64_t columns) {
  return rows * columns + rows * static_cast<int64_t>(sizeof(float));
}

}  // namespace

WeightFormat make_int8() {
  return {.name = "int8",
          .help = "8 bits: int8 with one scale per row",
          .bits = 8,
          .base_bits = 8,
          .copy_bits = 8,
          .pack = pack_int8,
          .unpack = unpack_int8,
          .bytes = int8_bytes};
}

}  // namespace unlearn::model
