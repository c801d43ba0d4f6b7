#include "model/formats/gguf_blocks.h"

#include <ATen/Parallel.h>
#include <c10/util/Half.h>

#include <algorithm>

#include "model/formats/packing.h"

namespace unlearn::model {

std::vector<torch::Tensor> pack_gguf(const GgufBlock& block, const torch::Tensor& matrix) {
  const int64_t rows = matrix.size(0), columns = matrix.size(1);
  const int64_t per_row = divide_up(columns, block.weights);
  const torch::Tensor stored = torch::empty({rows, per_row * block.bytes}, torch::kByte);
  const auto* w = matrix.const_data_ptr<float>();
  auto* out = stored.mutable_data_ptr<uint8_t>();
  at::parallel_for(0, rows, 16, [&](int64_t begin, int64_t end) {
    std::vector<float> filled(static_cast<size_t>(block.weights));
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t b = 0; b < per_row; ++b) {
        const int64_t first = b * block.weights;
        const int64_t count = std::min(block.weights, columns - first);
        const float* x = w + i * columns + first;
        if (count < block.weights) {
          std::fill(std::copy_n(x, count, filled.begin()), filled.end(), 0.0F);
          x = filled.data();
        }
        block.encode(x, out + (i * per_row + b) * block.bytes);
      }
    }
  });
  return {stored};
}

torch::Tensor unpack_gguf(const GgufBlock& block, const PackedMatrix& packed) {
  const torch::Tensor values = block.decode(packed.parts.front().view({-1, block.bytes}));
  const int64_t filled = divide_up(packed.columns, block.weights) * block.weights;
  const torch::Tensor rows = values.view({packed.rows, filled}).narrow(1, 0, packed.columns);
  return rows.to(packed.dtype).contiguous();
}

int64_t gguf_bytes(const GgufBlock& block, int64_t rows, int64_t columns) {
  return rows * divide_up(columns, block.weights) * block.bytes;
}

float store_half(float value, uint8_t* out) {
  const c10::Half half(value);
  out[0] = static_cast<uint8_t>(half.x & 0xFF);
  out[1] = static_cast<uint8_t>(half.x >> 8);
  return static_cast<float>(half);
}

torch::Tensor half_column(const torch::Tensor& blocks, int64_t first) {
  return blocks.narrow(1, first, 2).contiguous().view(torch::kHalf).to(torch::kFloat);
}

}  // namespace unlearn::model
