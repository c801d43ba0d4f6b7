// Values and gradients computed with autodiff in fp64 by an independent implementation, which agree
// with the papers' closed forms.
#include <gtest/gtest.h>

#include "losses/fixture.h"

namespace unlearn::losses {
namespace {

using Values = std::vector<double>;

struct Case {
  std::string method;
  Fields fields;
  double loss;
  Values forget;     // one per sequence (equal for all its tokens) or one per token
  Values retain;     // the value of every token, or empty: not read
  Values alternate;  // as forget; empty: not read
};

// Per-sequence numbers repeated for the sequence's tokens.
Values per_token(const scoring::TokenScores& scores, const Values& values) {
  const auto labels = static_cast<size_t>(scores.num_labels());
  if (values.empty()) return Values(labels, 0.0);
  if (values.size() == labels) return values;
  if (values.size() == 1) return Values(labels, values[0]);
  Values result;
  for (size_t s = 0; s < values.size(); ++s) {
    const auto count = static_cast<size_t>(scores.offsets[s + 1] - scores.offsets[s]);
    result.insert(result.end(), count, values[s]);
  }
  return result;
}

void expect_close(const torch::Tensor& found, const Values& wanted, const std::string& what) {
  ASSERT_EQ(found.numel(), static_cast<int64_t>(wanted.size())) << what;
  for (size_t i = 0; i < wanted.size(); ++i) {
    // The listed gradients carry 12 significant digits.
    EXPECT_NEAR(found[static_cast<int64_t>(i)].item<double>(), wanted[i],
                1e-14 + 1e-11 * std::abs(wanted[i]))
        << what << " " << i;
  }
}

void check(const Case& golden) {
  SCOPED_TRACE(golden.method + " " + Json(golden.fields).dump());
  const auto loss = make_loss(golden.method, golden.fields);
  const Batch batch = fixture_a();
  const LossInputs& inputs = batch.inputs;
  const double value = total_loss(*loss, inputs).item<double>();
  EXPECT_NEAR(value, golden.loss, 1e-13 * std::abs(golden.loss) + 1e-13);
  expect_close(gradient(*loss, inputs, inputs.forget.logp), per_token(inputs.forget, golden.forget),
               "forget");
  expect_close(gradient(*loss, inputs, inputs.retain.logp), per_token(inputs.retain, golden.retain),
               "retain");
  expect_close(gradient(*loss, inputs, inputs.alternate.logp),
               per_token(inputs.alternate, golden.alternate), "alternate");
}

constexpr double kSixth = -1.0 / 6;
const Fields kPlain = {{"retain_loss", "none"}};

Fields plain(Fields fields) {
  fields.insert(fields.end(), kPlain.begin(), kPlain.end());
  return fields;
}

TEST(GoldenLosses, GradientAscentFamily) {
  check({"ga", {}, -0.79375, {0.125}, {}, {}});
  check({"grad_diff", {}, -0.44375, {0.125}, {kSixth}, {}});
  check({"wgraddiff", kPlain, -0.451 / 0.6, {1.0 / 6, 0.1}, {}, {}});
  check({"nll", {}, 0.79375, {-0.125}, {}, {}});
  check({"nll", {{"stream", "retain"}}, 0.35, {}, {kSixth}, {}});
}

TEST(GoldenLosses, Npo) {
  check({"npo", plain({{"beta", 0.1}}), 13.066323530858, {0.496250070311, 0.462570154656}, {}, {}});
  check(
      {"npo", plain({{"beta", 1.0}}), 0.82237032577228, {0.462570154656, 0.182425523806}, {}, {}});
  check(
      {"npo", plain({{"beta", 2.0}}), 0.30147129802113, {0.425557483188, 0.0474258731776}, {}, {}});
  check({"npo", plain({{"beta", 1e-6}}), 1386293.5361202, {0.4999999625, 0.499999625}, {}, {}});
  check({"npo_grad_diff",
         {{"beta", 0.1}},
         13.416323530858,
         {0.496250070311, 0.462570154656},
         {kSixth},
         {}});
}

TEST(GoldenLosses, SimNpo) {
  check({"simnpo",
         plain({{"beta", 1.0}}),
         0.77883935438447,
         {0.119388651637, 0.0569915788598},
         {},
         {}});
  check({"simnpo",
         plain({{"beta", 2.5}}),
         0.12187616698689,
         {0.0629074566334, 0.018224592203},
         {},
         {}});
  check({"simnpo",
         plain({{"beta", 4.5}}),
         0.019051913857692,
         {0.0225155637132, 0.00313465761321},
         {},
         {}});
  check(
      {"simnpo", plain({{"beta", 1e-6}}), 1386293.6094534, {0.166666618056, 0.099999954}, {}, {}});
}

// SimNPO's values above; the refusals' five tokens have a mean of 8.3 / 5, the retain tokens 2.1
// / 6.
TEST(GoldenLosses, SimNpoWithRefusals) {
  check({"simnpo_idk",
         plain({{"beta", 2.5}}),
         0.12187616698689 + 1.66,
         {0.0629074566334, 0.018224592203},
         {},
         {-0.2}});
  check({"simnpo_idk",
         {{"beta", 2.5}, {"refusal_weight", 0.5}, {"retain_weight", 2.0}},
         0.12187616698689 + 0.83 + 0.7,
         {0.0629074566334, 0.018224592203},
         {2 * kSixth},
         {-0.1}});
}

TEST(GoldenLosses, SimNpoMarginInBothForms) {
  const double loss = 0.1910467806108;
  const Values gradients = {0.0924040044563, 0.0283702129801};
  check({"simnpo", plain({{"beta", 2.5}, {"delta", 0.2}}), loss, gradients, {}, {}});
  check({"simnpo", plain({{"beta", 2.5}, {"gamma", 0.5}}), loss, gradients, {}, {}});
  check({"simnpo",
         plain({{"beta", 2.5}, {"gamma", 0.2}}),
         0.14623950854274,
         {0.0737536443418, 0.0218193642391},
         {},
         {}});
}

TEST(GoldenLosses, SimNpoPresets) {
  check({"simnpo_grad_diff",
         {{"beta", 2.5}, {"forget_weight", 0.1375}},
         0.3667579729607,
         {0.0086497752871, 0.00250588142791},
         {kSixth},
         {}});
  check({"simnpo_grad_diff",
         {{"beta", 4.5}, {"forget_weight", 0.125}},
         0.35238148923221,
         {0.00281444546415, 0.000391832201651},
         {kSixth},
         {}});
}

TEST(GoldenLosses, TokenWeighted) {
  check({"wga",
         kPlain,
         -0.2664437117692,
         {0.0758163324641, 0.0459849301464, 0.0973500978839, 0.0169169104046, 0.113104677254,
          0.0278912700186, 0.0620731629739, 0.0926022775852},
         {},
         {}});
  check({"satimp",
         kPlain,
         -0.0088421738716861,
         {0.004037241282, 0.000532399352802, 0.00792182958897, 4.90696467614e-06, 0.00721487795233,
          5.37093207576e-05, 0.00190022582523, 0.00722890899086},
         {},
         {}});
}

TEST(GoldenLosses, Preferences) {
  check({"idk", {}, 0.94545454545455, {}, {-1.0 / 11}, {-1.0 / 11}});
  check({"dpo",
         plain({{"beta", 0.1}}),
         12.964954665426,
         {0.488751898053, 0.465057054842},
         {},
         {-0.488751898053, -0.465057054842}});
  check({"altpo",
         plain({{"beta", 1.0}}),
         0.71366635591591,
         {0.389360766051, 0.197816111441},
         {},
         {-0.389360766051, -0.197816111441}});
  check({"kto_sigmoid", {}, -9.9089485783724, {0.249175255974, 0.246134082738}, {}, {}});
  check({"kto_logsigmoid", {}, 13.132388153004, {0.471281643049, 0.437823499114}, {}, {}});
}

TEST(GoldenLosses, PaperWeights) {
  const auto mean_weight = [](const std::string& name, double beta) {
    const auto loss = make_loss(name, {{"beta", beta}});
    const Diagnostic w = loss->diagnostics(fixture_a().inputs).at(0);
    EXPECT_EQ(w.name, "w");
    return w.sum / w.count;
  };
  EXPECT_NEAR(mean_weight("npo", 0.1), (0.992500140622 + 0.925140309313) / 2, 1e-12);
  EXPECT_NEAR(mean_weight("simnpo", 2.5), (0.125814913267 + 0.0364491844059) / 2, 1e-12);
  const auto logprob = make_loss("simnpo")->diagnostics(fixture_a().inputs).at(1);
  EXPECT_EQ(logprob.name, "forget_logprob");
  EXPECT_NEAR(logprob.sum / logprob.count, -0.79375, 1e-14);
}

}  // namespace
}  // namespace unlearn::losses
