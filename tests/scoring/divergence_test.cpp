// Divergence of two models against transformers and SciPy (scripts/goldens/divergence.py).
#include "unlearn/scoring/divergence.h"

#include <gtest/gtest.h>

#include "scoring/fixture.h"
#include "unlearn/core/json.h"

namespace unlearn::scoring {
namespace {

TEST(GoldenDivergence, MeanOverTheTokensOfAText) {
  const auto file = model::golden_folder().parent_path() / "scoring" / "divergence.json";
  size_t compared = 0;
  for (const Json& pair : read_json(file)) {
    const auto name = pair.at("model").get<std::string>();
    const auto model = golden_model(name, torch::kFloat64);
    const auto original = golden_model(pair.at("original").get<std::string>(), torch::kFloat64);
    const auto examples = golden_examples(model::Golden(name));
    const auto values = mean_divergence(*model, *original, pointers(examples));
    const auto expected = pair.at("mean_divergence").get<std::vector<double>>();
    ASSERT_EQ(values.size(), expected.size());
    for (size_t i = 0; i < values.size(); ++i) {
      // The angles of rotation are fp32, as in transformers, whose sums are not in our order.
      EXPECT_NEAR(values[i], expected[i], 1e-6) << name << " " << i;
      ++compared;
    }
    for (const double value : mean_divergence(*model, *model, pointers(examples))) {
      EXPECT_EQ(value, 0);
    }
  }
  EXPECT_EQ(compared, 6u);
}

}  // namespace
}  // namespace unlearn::scoring
