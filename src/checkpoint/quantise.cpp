#include "unlearn/checkpoint/quantise.h"

#include "unlearn/core/error.h"

namespace unlearn::checkpoint {
namespace {

constexpr int64_t kBlock = 64;
constexpr double kLargestInt8 = 127.0;

// The code of QLoRA's implementation (bitsandbytes, create_normal_map with offset 0.9677083).
constexpr double kNf4[] = {-1.0,
                           -0.6961928009986877,
                           -0.5250730514526367,
                           -0.39491748809814453,
                           -0.28444138169288635,
                           -0.18477343022823334,
                           -0.09105003625154495,
                           0.0,
                           0.07958029955625534,
                           0.16093020141124725,
                           0.24611230194568634,
                           0.33791524171829224,
                           0.44070982933044434,
                           0.5626170039176941,
                           0.7229568362236023,
                           1.0};

// Where the nearest code changes: the middles between neighbours.
torch::Tensor nf4_boundaries(const torch::Tensor& code) {
  return (code.slice(0, 1) + code.slice(0, 0, -1)) / 2;
}

}  // namespace

torch::Tensor round_trip_int8(const torch::Tensor& weight) {
  UNLEARN_CHECK(weight.dim() == 2 && weight.scalar_type() == torch::kFloat);
  const torch::Tensor scale = weight.abs().amax(1, /*keepdim=*/true) / kLargestInt8;
  const torch::Tensor divisor = scale.masked_fill(scale == 0, 1.0);
  return (weight / divisor).round_().mul_(scale);
}

torch::Tensor round_trip_nf4(const torch::Tensor& weight) {
  UNLEARN_CHECK(weight.scalar_type() == torch::kFloat);
  const torch::Tensor code = torch::tensor(at::ArrayRef<double>(kNf4), torch::kFloat);
  const int64_t padding = (kBlock - weight.numel() % kBlock) % kBlock;
  const torch::Tensor blocks =
      at::constant_pad_nd(weight.flatten(), {0, padding}, 0).view({-1, kBlock});
  const torch::Tensor scale = blocks.abs().amax(1, /*keepdim=*/true);
  const torch::Tensor divisor = scale.masked_fill(scale == 0, 1.0);
  const torch::Tensor index =
      at::bucketize(blocks / divisor, nf4_boundaries(code), /*out_int32=*/true);
  const torch::Tensor rounded = code.index_select(0, index.flatten()).view_as(blocks) * scale;
  return rounded.flatten().narrow(0, 0, weight.numel()).view_as(weight);
}

bool is_quantised(const std::string& tensor_name, const torch::Tensor& tensor) {
  if (tensor.dim() != 2 || !torch::isFloatingType(tensor.scalar_type())) return false;
  // Embeddings and output layers by the names that the model families give them.
  for (const char* part : {"embed", "wte", "wpe", "lm_head"}) {
    if (tensor_name.find(part) != std::string::npos) return false;
  }
  return true;
}

}  // namespace unlearn::checkpoint
