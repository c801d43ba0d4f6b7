// Losses, gradients and weights against scripts/goldens/losses.py, which writes the papers'
// formulas with PyTorch autograd in fp64.
#include <gtest/gtest.h>

#include "losses/fixture.h"
#include "unlearn/core/json.h"

namespace unlearn::losses {
namespace {

const Json& golden_losses() {
  static const Json values =
      read_json(std::string(UNLEARN_TEST_DIR) + "/golden/losses/values.json");
  return values;
}

void expect_gradient(const torch::Tensor& found, const Json& wanted, const std::string& role) {
  ASSERT_EQ(found.numel(), static_cast<int64_t>(wanted.size())) << role;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto value = wanted[i].get<double>();
    EXPECT_NEAR(found[static_cast<int64_t>(i)].item<double>(), value,
                1e-14 + 1e-12 * std::abs(value))
        << role << " " << i;
  }
}

void check_golden(const Json& golden) {
  const auto method = golden.at("method").get<std::string>();
  SCOPED_TRACE(method + " " + golden.at("settings").dump());
  Fields fields;
  for (const auto& [key, value] : golden.at("settings").items()) fields.emplace_back(key, value);
  const auto loss = make_loss(method, fields);
  const Batch batch = fixture_a();
  const LossInputs& inputs = batch.inputs;
  const auto wanted = golden.at("loss").get<double>();
  EXPECT_NEAR(total_loss(*loss, inputs).item<double>(), wanted, 1e-13 * std::abs(wanted) + 1e-13);
  const Json& gradients = golden.at("gradient");
  expect_gradient(gradient(*loss, inputs, inputs.forget.logp), gradients.at("forget"), "forget");
  expect_gradient(gradient(*loss, inputs, inputs.retain.logp), gradients.at("retain"), "retain");
  expect_gradient(gradient(*loss, inputs, inputs.alternate.logp), gradients.at("alternate"),
                  "alternate");
}

TEST(GoldenLosses, ValuesAndGradientsOfEveryToken) {
  const Json& cases = golden_losses().at("cases");
  ASSERT_EQ(cases.size(), 28u);
  for (const Json& golden : cases) check_golden(golden);
}

TEST(GoldenLosses, PaperWeights) {
  for (const Json& golden : golden_losses().at("weights")) {
    const auto method = golden.at("method").get<std::string>();
    SCOPED_TRACE(method);
    const auto loss = make_loss(method, {{"beta", golden.at("beta")}});
    const Diagnostic w = loss->diagnostics(fixture_a().inputs).at(0);
    EXPECT_EQ(w.name, "w");
    const auto weights = golden.at("w").get<std::vector<double>>();
    ASSERT_EQ(weights.size(), 2u);
    EXPECT_NEAR(w.sum / w.count, (weights[0] + weights[1]) / 2, 1e-14);
  }
  const Diagnostic logprob = make_loss("simnpo")->diagnostics(fixture_a().inputs).at(1);
  EXPECT_EQ(logprob.name, "forget_logprob");
  EXPECT_NEAR(logprob.sum / logprob.count, golden_losses().at("forget_logprob").get<double>(),
              1e-14);
}

}  // namespace
}  // namespace unlearn::losses
