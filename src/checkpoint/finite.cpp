#include "unlearn/checkpoint/finite.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace unlearn::checkpoint {
namespace {

// All bits of the exponent are set.
template <class Bits>
bool any_has_exponent(const char* data, size_t bytes, Bits exponent) {
  const auto* values = reinterpret_cast<const Bits*>(data);
  const size_t count = bytes / sizeof(Bits);
  unsigned found = 0;
  for (size_t i = 0; i < count; ++i) found |= (values[i] & exponent) == exponent ? 1U : 0U;
  return found != 0;
}

}  // namespace

bool has_nonfinite(const char* data, size_t bytes, torch::Dtype dtype) {
  if (dtype == torch::kFloat) return any_has_exponent<uint32_t>(data, bytes, 0x7F800000U);
  if (dtype == torch::kBFloat16) return any_has_exponent<uint16_t>(data, bytes, uint16_t{0x7F80});
  if (dtype == torch::kHalf) return any_has_exponent<uint16_t>(data, bytes, uint16_t{0x7C00});
  if (dtype == torch::kDouble) return any_has_exponent<uint64_t>(data, bytes, 0x7FF0000000000000U);
  return false;
}

bool has_nonfinite(const torch::Tensor& tensor) {
  if (!tensor.is_floating_point()) return false;
  if (!tensor.is_cpu()) return !tensor.isfinite().all().item<bool>();
  const torch::Tensor whole = tensor.contiguous();
  const auto* data = static_cast<const char*>(whole.const_data_ptr());
  constexpr int64_t kPart = int64_t{1} << 20;
  const auto bytes = static_cast<int64_t>(whole.nbytes());
  std::atomic<bool> found = false;
  at::parallel_for(0, (bytes + kPart - 1) / kPart, 1, [&](int64_t begin, int64_t end) {
    const int64_t from = begin * kPart, to = std::min(bytes, end * kPart);
    if (has_nonfinite(data + from, static_cast<size_t>(to - from), whole.scalar_type())) {
      found = true;
    }
  });
  return found;
}

}  // namespace unlearn::checkpoint
