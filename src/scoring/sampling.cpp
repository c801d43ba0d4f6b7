#include "scoring/sampling.h"

#include <algorithm>

namespace unlearn::scoring {

int64_t sample_token(const torch::Tensor& logits, double temperature, double top_p, double draw) {
  const auto [probabilities, tokens] =
      logits.to(torch::kDouble).div(temperature).softmax(0).sort(/*stable=*/true, 0, true);
  const torch::Tensor cumulative = probabilities.cumsum(0).contiguous();
  const double* sums = cumulative.data_ptr<double>();
  const double* end = sums + cumulative.size(0);
  const double* nucleus = std::min(std::lower_bound(sums, end, top_p), end - 1);
  const double* chosen = std::min(std::upper_bound(sums, nucleus + 1, draw * *nucleus), nucleus);
  return tokens[chosen - sums].item<int64_t>();
}

}  // namespace unlearn::scoring
