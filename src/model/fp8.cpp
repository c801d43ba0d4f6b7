#include "unlearn/model/fp8.h"

#include "model/linear_layers.h"
#include "model/linear_product.h"
#include "unlearn/core/error.h"
#include "unlearn/runtime/fp8.h"

namespace unlearn::model {

int64_t use_fp8(CausalLM& model) {
  int64_t count = 0;
  for (const LinearLayer& layer : linear_layers(model)) {
    Linear& linear = *layer.linear;
    UNLEARN_CHECK(linear.is_plain() && linear.weight.scalar_type() == torch::kBFloat16, layer.name);
    const bool fits = linear.in_features() % runtime::kFp8Multiple == 0 &&
                      linear.out_features() % runtime::kFp8Multiple == 0 &&
                      linear.layout() == WeightLayout::kOutIn;
    if (!fits) continue;
    linear.set_precision(Precision::kFp8);
    ++count;
  }
  return count;
}

}  // namespace unlearn::model
