#include "dropout.h"

#include <ATen/Parallel.h>

#include "unlearn/core/error.h"
#include "unlearn/core/rng.h"

namespace unlearn::model {

uint64_t name_hash(const std::string& name) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

torch::Tensor dropout_mask(const torch::Tensor& x, const DropoutDraw& draw) {
  UNLEARN_CHECK(x.dim() == 2 && draw.probability >= 0 && draw.probability < 1);
  const int64_t columns = x.size(1);
  torch::Tensor mask = torch::empty(x.sizes(), torch::kFloat);
  auto* out = mask.mutable_data_ptr<float>();
  const auto kept = static_cast<float>(1.0 / (1.0 - draw.probability));
  // An element stays when its 32 random bits reach the threshold.
  const auto threshold = static_cast<uint64_t>(draw.probability * 4294967296.0);
  at::parallel_for(0, x.size(0), 16, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const auto token = static_cast<uint64_t>(draw.first_token + t);
      float* row = out + t * columns;
      for (int64_t j = 0; j < columns; j += 2) {
        // One hash serves two neighbours.
        const uint64_t bits = mix_bits(draw.key, token, static_cast<uint64_t>(j));
        row[j] = (bits >> 32) >= threshold ? kept : 0.0F;
        if (j + 1 < columns) row[j + 1] = (bits & 0xffffffff) >= threshold ? kept : 0.0F;
      }
    }
  });
  return mask.to(x.options());
}

}  // namespace unlearn::model
