#include "train/update/elements.h"

#include "unlearn/core/error.h"

namespace unlearn::train {

torch::Tensor inner_product(const torch::Tensor& a, const torch::Tensor& b) {
  torch::Tensor sum = torch::zeros({}, a.options().dtype(torch::kDouble).requires_grad(false));
  const torch::Tensor flat_a = a.view({-1}), flat_b = b.view({-1});
  for_chunks(a.numel(), [&](int64_t begin, int64_t size) {
    sum += at::dot(flat_a.narrow(0, begin, size).to(torch::kDouble),
                   flat_b.narrow(0, begin, size).to(torch::kDouble));
  });
  return sum;
}

torch::Tensor round_at_random(const torch::Tensor& values, uint64_t key, int64_t first) {
  UNLEARN_CHECK(values.scalar_type() == torch::kFloat);
  constexpr int64_t kLow = 0xFFFFFFFF;
  constexpr int64_t kMix = 0x45D9F3B;  // a product with 32 bits stays below 2^63
  torch::Tensor x =
      torch::arange(first, first + values.numel(), values.options().dtype(torch::kLong));
  x = (x.bitwise_and(kLow))
          .bitwise_xor(x.bitwise_right_shift(32) * kMix)
          .bitwise_xor(static_cast<int64_t>(key & 0xFFFFFFFF))
          .bitwise_and_(kLow);
  for (int round = 0; round < 2; ++round) {
    x = x.bitwise_xor(x.bitwise_right_shift(16)).mul_(kMix).bitwise_and_(kLow);
    x.bitwise_xor_(static_cast<int64_t>(key >> 33));
  }
  x.bitwise_xor_(x.bitwise_right_shift(16)).bitwise_and_(0xFFFF);
  // Carries reach the upper half with the probability that the lower half is of it.
  torch::Tensor bits = values.contiguous().view(torch::kInt) + x.to(torch::kInt);
  bits.bitwise_and_(static_cast<int64_t>(-65536));
  return bits.view(torch::kFloat).to(torch::kBFloat16);
}

}  // namespace unlearn::train
