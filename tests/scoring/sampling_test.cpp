// What is drawn is distributed as softmax(logits / temperature) inside the nucleus.
#include "scoring/sampling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "scoring/fixture.h"
#include "unlearn/core/rng.h"
#include "unlearn/scoring/generate.h"

namespace unlearn::scoring {
namespace {

constexpr double kTemperatures[] = {0.5, 1.0, 1.7};
constexpr double kTopPs[] = {1.0, 0.9, 0.6, 0.3};

// transformers' order: the logits are divided by the temperature, then tokens go, the unlikeliest
// first, as long as those that went have at most 1 - top_p together; what is left is drawn from in
// proportion.
std::vector<double> wanted_distribution(const std::vector<double>& logits, double temperature,
                                        double top_p) {
  std::vector<double> p;
  for (const double z : logits) p.push_back(std::exp(z / temperature));
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& value : p) value /= sum;
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  double gone = 0;
  for (size_t i = 0; i + 1 < order.size(); ++i) {
    if (gone + p[order[i]] > 1 - top_p) break;
    gone += p[order[i]];
    p[order[i]] = 0;
  }
  const double left = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& value : p) value /= left;
  return p;
}

// Pearson's statistic against its quantile at 1e-5 (Wilson and Hilferty's approximation). Tokens
// that are expected fewer than five times count together.
void expect_distribution(const std::vector<int64_t>& drawn, const std::vector<double>& wanted,
                         const std::string& what) {
  const auto total = static_cast<double>(std::accumulate(drawn.begin(), drawn.end(), int64_t{0}));
  double statistic = 0, rare = 0, rare_wanted = 0;
  int cells = 0;
  const auto add = [&](double seen, double expected) {
    statistic += (seen - expected) * (seen - expected) / expected;
    ++cells;
  };
  for (size_t token = 0; token < drawn.size(); ++token) {
    const auto seen = static_cast<double>(drawn[token]);
    const double expected = wanted[token] * total;
    if (wanted[token] == 0) {
      EXPECT_EQ(drawn[token], 0) << what << ": token " << token << " is outside of the nucleus";
    } else if (expected < 5) {
      rare += seen;
      rare_wanted += expected;
    } else {
      add(seen, expected);
    }
  }
  if (rare_wanted > 0.5) add(rare, rare_wanted);
  ASSERT_GE(cells, 1) << what;
  const double freedom = cells - 1;
  if (freedom == 0) return;
  constexpr double kNormalQuantile = 4.265;
  const double spread = 2 / (9 * freedom);
  const double limit = freedom * std::pow(1 - spread + kNormalQuantile * std::sqrt(spread), 3);
  EXPECT_LT(statistic, limit) << what << ", " << freedom << " degrees of freedom";
}

TEST(Sampling, TokensHaveTheProbabilitiesOfTheNucleus) {
  const std::vector<double> logits = {0.3, -1.2, 2.0, 1.1, -0.4, 0.9, -3.0, 1.6, 0.0, -0.8};
  const torch::Tensor z = torch::tensor(logits, torch::kFloat);
  size_t cut = 0;
  for (const double temperature : kTemperatures) {
    for (const double top_p : kTopPs) {
      const std::vector<double> wanted = wanted_distribution(logits, temperature, top_p);
      cut += static_cast<size_t>(std::count(wanted.begin(), wanted.end(), 0.0));
      std::vector<int64_t> drawn(logits.size(), 0);
      Rng rng(17);
      for (int i = 0; i < 20000; ++i) {
        ++drawn[static_cast<size_t>(sample_token(z, temperature, top_p, rng.uniform()))];
      }
      expect_distribution(drawn, wanted, cat("temperature ", temperature, ", top_p ", top_p));
    }
  }
  EXPECT_GT(cut, 30u);
}

// The draws of a batch's outputs are independent of each other.
TEST(Sampling, OutputsOfAModelHaveItsProbabilities) {
  const auto model = golden_model("llama");
  const std::vector<int32_t> prompt = {5, 9, 2};
  torch::NoGradGuard no_grad;
  const torch::Tensor hidden =
      model->hidden_states({torch::tensor({5, 9, 2}, torch::kLong), {}, {0, 3}});
  const torch::Tensor z = model::logits_of(*model, hidden.slice(0, 2)).flatten().to(torch::kDouble);
  const std::vector<double> logits(z.data_ptr<double>(), z.data_ptr<double>() + z.numel());
  GenerateOptions options;
  options.max_new_tokens = 1;
  options.batch_tokens = int64_t{1} << 20;
  for (const double temperature : kTemperatures) {
    for (const double top_p : kTopPs) {
      options.temperature = temperature;
      options.top_p = top_p;
      std::vector<int64_t> drawn(logits.size(), 0);
      const std::vector<std::vector<int32_t>> prompts(3000, prompt);
      for (const auto& output : generate(*model, prompts, options)) {
        ++drawn[static_cast<size_t>(output.front())];
      }
      expect_distribution(drawn, wanted_distribution(logits, temperature, top_p),
                          cat("temperature ", temperature, ", top_p ", top_p));
    }
  }
}

}  // namespace
}  // namespace unlearn::scoring
