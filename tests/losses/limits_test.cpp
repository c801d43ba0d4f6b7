// What the papers say about the methods' limits and bounds.
#include <gtest/gtest.h>

#include <cmath>

#include "losses/fixture.h"
#include "unlearn/core/error.h"

namespace unlearn::losses {
namespace {

const Json kNone = "none";

double weight(const std::string& method, const Fields& fields, const LossInputs& inputs) {
  const Diagnostic w = make_loss(method, fields)->diagnostics(inputs).at(0);
  return w.sum / w.count;
}

TEST(Limits, NpoStartsAsGradientAscent) {
  const Batch start({{{-0.5, -1.0}, {-0.5, -1.0}}}, {}, {});
  EXPECT_EQ(weight("npo", {{"beta", 0.1}}, start.inputs), 1.0);
  const auto loss = make_loss("npo", {{"beta", 0.1}, {"retain_loss", kNone}});
  EXPECT_NEAR(total_loss(*loss, start.inputs).item<double>(), 13.862943611199, 1e-11);
}

TEST(Limits, NpoWeightVanishesForForgottenSequences) {
  const Batch forgotten({{{-4000.0}, {-0.5}}}, {}, {});
  EXPECT_EQ(weight("npo", {{"beta", 1.0}}, forgotten.inputs), 0.0);
  const auto loss = make_loss("npo", {{"beta", 1.0}, {"retain_loss", kNone}});
  EXPECT_EQ(total_loss(*loss, forgotten.inputs).item<double>(), 0.0);
  EXPECT_EQ(gradient(*loss, forgotten.inputs, forgotten.inputs.forget.logp)[0].item<double>(), 0.0);
}

// beta -> 0: NPO's gradient is gradient ascent on sequence sums, SimNPO's on sequence means.
TEST(Limits, SmallBetaIsGradientAscent) {
  const Batch batch = fixture_a();
  const auto& logp = batch.inputs.forget.logp;
  const Fields fields = {{"beta", 1e-6}, {"retain_loss", kNone}};
  const auto npo = gradient(*make_loss("npo", fields), batch.inputs, logp);
  EXPECT_TRUE(torch::allclose(npo, torch::full_like(npo, 0.5), 1e-6, 0));
  const auto simnpo = gradient(*make_loss("simnpo", fields), batch.inputs, logp);
  const auto wgraddiff =
      gradient(*make_loss("wgraddiff", {{"retain_loss", kNone}}), batch.inputs, logp);
  EXPECT_TRUE(torch::allclose(simnpo, wgraddiff, 1e-6, 0));
}

TEST(Limits, WeightedAscentWithoutPowersIsGradientAscent) {
  const Batch batch = fixture_a();
  const auto& logp = batch.inputs.forget.logp;
  const auto ga = gradient(*make_loss("ga"), batch.inputs, logp);
  const auto wga =
      gradient(*make_loss("wga", {{"beta", 0}, {"retain_loss", kNone}}), batch.inputs, logp);
  const auto satimp =
      gradient(*make_loss("satimp", {{"beta1", 0}, {"beta2", 0}, {"retain_loss", kNone}}),
               batch.inputs, logp);
  EXPECT_TRUE(torch::equal(ga, wga));
  EXPECT_TRUE(torch::equal(ga, satimp));
}

// 0 < w' <= 1/|y| without a margin, the loss is never negative, and a margin raises every weight.
TEST(Limits, SimNpoWeightIsBounded) {
  for (const double logp : {0.0, -1e-3, -0.7, -5.0, -60.0}) {
    const Batch batch({{{logp, logp, logp, logp}}}, {}, {});
    for (const double beta : {0.1, 2.5, 5.0}) {
      const Fields fields = {{"beta", beta}, {"retain_loss", kNone}};
      const double w = weight("simnpo", fields, batch.inputs);
      EXPECT_GT(w, 0.0);
      EXPECT_LE(w, 0.25);
      EXPECT_GE(total_loss(*make_loss("simnpo", fields), batch.inputs).item<double>(), 0.0);
      EXPECT_GT(weight("simnpo", {{"beta", beta}, {"gamma", 1.0}}, batch.inputs), w);
    }
  }
}

TEST(Limits, SimNpoNeedsNoReference) {
  const Needs needs = make_loss("simnpo")->needs();
  EXPECT_FALSE(needs.any_reference());
}

// Sequence means forget a duplicate; token means do only when lengths are equal.
TEST(Limits, DuplicatingASequence) {
  const SequenceValues one = {{-0.5, -1.0, -0.25}, {-0.4, -0.9, -0.3}};
  const SequenceValues two = {{-2.0, -0.1}, {-1.0, -0.2}};
  const SequenceValues same_length = {{-2.0, -0.1, -0.7}, {-1.0, -0.2, -0.3}};
  const auto value = [](const std::string& name, const std::vector<SequenceValues>& forget) {
    const Batch batch(forget, {}, {});
    const auto loss = make_loss(name, {{"retain_loss", kNone}});
    return total_loss(*loss, batch.inputs).item<double>();
  };
  for (const char* name : {"npo", "simnpo", "wgraddiff"}) {
    EXPECT_NEAR(value(name, {one, two}), value(name, {one, two, one, two}), 1e-12) << name;
  }
  EXPECT_NEAR(value("ga", {one, same_length}), -(1.75 + 2.8) / 6, 1e-12);
  EXPECT_GT(std::abs(value("ga", {one, two, two}) - value("ga", {one, two})), 0.01);
}

// Far out in both tails fp32 stays finite and keeps the exact asymptotes.
TEST(Limits, ExtremeLogProbabilitiesStayFinite) {
  Batch batch({{{-1e5}, {-1.0}}, {{-1e-6}, {-1e5}}}, {}, {});
  auto& forget = batch.inputs.forget;
  forget.logp = forget.logp.detach().to(torch::kFloat).set_requires_grad(true);
  forget.reference_logp = forget.reference_logp.to(torch::kFloat);
  for (const char* name : {"npo", "simnpo"}) {
    const auto loss = make_loss(name, {{"beta", 1.0}, {"retain_loss", kNone}});
    const auto sum = loss->sums(batch.inputs)[0];
    EXPECT_TRUE(std::isfinite(sum.item<double>())) << name;
    const auto g = torch::autograd::grad({sum}, {forget.logp})[0];
    EXPECT_TRUE(torch::isfinite(g).all().item<bool>()) << name;
  }
}

TEST(Limits, StepStatisticsReplaceTheBatchMean) {
  const Batch batch = fixture_a();
  const auto loss = make_loss("kto_sigmoid", {{"beta", 0.1}});
  const auto own = loss->statistics(batch.inputs);
  ASSERT_EQ(own.size(), 1U);
  EXPECT_NEAR(own[0].sum, 0.2, 1e-12);
  EXPECT_EQ(own[0].count, 2.0);
  const double before = total_loss(*loss, batch.inputs).item<double>();
  loss->set_statistics({0.1});
  EXPECT_NEAR(total_loss(*loss, batch.inputs).item<double>(), before, 1e-12);
  loss->set_statistics({3.0});
  EXPECT_GT(std::abs(total_loss(*loss, batch.inputs).item<double>() - before), 0.1);
}

// KL reads row values only: their mean is the retain term.
TEST(Limits, KlTermIsTheMeanRowValue) {
  const Batch batch = fixture_a();
  const auto loss = make_loss("grad_diff", {{"retain_loss", "kl"}, {"forget_weight", 0.0}});
  EXPECT_NEAR(total_loss(*loss, batch.inputs).item<double>(),
              batch.inputs.retain.row_values.mean().item<double>(), 1e-12);
  EXPECT_EQ(loss->needs().retain_rows.positions, scoring::RowPositions::kAttended);
  const auto labels = make_loss("npo", {{"retain_loss", "kl"}, {"kl_positions", "labels"}});
  EXPECT_EQ(labels->needs().retain_rows.positions, scoring::RowPositions::kLabels);
}

// Against a reference that says 0 everywhere, the ablations meet: NPO without its reference, and
// length-normalised NPO without it is SimNPO.
TEST(Limits, NpoAblations) {
  Batch zero = fixture_a();
  zero.inputs.forget.reference_logp = torch::zeros_like(zero.inputs.forget.logp);
  const Batch batch = fixture_a();
  const auto value = [](const std::string& name, Fields fields, const Batch& on) {
    fields.emplace_back("retain_loss", kNone);
    fields.emplace_back("beta", 0.7);
    return total_loss(*make_loss(name, fields), on.inputs).item<double>();
  };
  const Json on = true, off = false;
  EXPECT_NEAR(value("npo", {{"use_reference", off}}, batch), value("npo", {}, zero), 1e-14);
  EXPECT_NEAR(value("npo", {{"length_normalised", on}}, zero), value("simnpo", {}, batch), 1e-14);
  // Closed form: mean log-ratios -0.05 and -0.3 of fixture A.
  const auto term = [](double ratio) { return 2 / 0.7 * std::log1p(std::exp(0.7 * ratio)); };
  EXPECT_NEAR(value("npo", {{"length_normalised", on}}, batch), (term(-0.05) + term(-0.3)) / 2,
              1e-14);
  EXPECT_FALSE(
      make_loss("npo", {{"use_reference", off}, {"retain_loss", kNone}})->needs().any_reference());
}

// lambda <- max(0, lambda + eta (l_r - eps)), from the warm-up's end on.
TEST(Limits, PduDualVariable) {
  const auto loss = make_loss("pdu", {{"retain_weight", 2.0},
                                      {"retain_loss_eps", 0.3},
                                      {"dual_step_size", 5.0},
                                      {"dual_warmup_epochs", 1.0}});
  const auto lambda = [&] { return loss->terms().at(1).weight; };
  EXPECT_EQ(loss->terms().at(1).offset, -0.3);
  loss->observe({9.0, 0.5}, 0.99);
  EXPECT_EQ(lambda(), 2.0);
  loss->observe_epoch({9.0, 0.5}, 3.0);  // dual_update_upon: step
  EXPECT_EQ(lambda(), 2.0);
  loss->observe({9.0, 0.5}, 1.0);
  EXPECT_NEAR(lambda(), 3.0, 1e-14);
  EXPECT_NEAR(loss->save_state().at("dual").get<double>(), 3.0, 1e-14);
  loss->observe({9.0, -5.0}, 1.5);
  EXPECT_EQ(lambda(), 0.0);

  const auto by_epoch = make_loss(
      "pdu",
      {{"retain_loss_eps", 0.1}, {"dual_update_upon", "epoch"}, {"dual_warmup_epochs", 0.0}});
  EXPECT_TRUE(by_epoch->needs().epoch_means);
  by_epoch->observe({0.0, 0.9}, 4.0);
  EXPECT_EQ(by_epoch->terms().at(1).weight, 1.0);
  by_epoch->observe_epoch({0.0, 0.6}, 4.0);
  EXPECT_NEAR(by_epoch->terms().at(1).weight, 1.5, 1e-14);
  EXPECT_THROW(make_loss("pdu"), UserError);
}

TEST(Limits, RmuChecksTheModel) {
  const auto loss = make_loss("rmu", {{"module_regex", "model\\.layers\\.11"}});
  EXPECT_EQ(loss->needs().hidden_layer, 11);
  EXPECT_NO_THROW(loss->start(fixture_facts()));
  const auto direction = loss->save_state().at("direction").get<std::vector<double>>();
  double squares = 0;
  for (const double value : direction) {
    EXPECT_GE(value, 0.0);
    squares += value * value;
  }
  EXPECT_NEAR(squares, 1.0, 1e-14);
  EXPECT_THROW(make_loss("rmu", {{"layer", 12}})->start(fixture_facts()), UserError);
  EXPECT_THROW(make_loss("rmu", {{"module_regex", "model.layers"}}), UserError);
  EXPECT_THROW(make_loss("rmu", {{"trainable_params_regex", "model.("}}), UserError);
}

}  // namespace
}  // namespace unlearn::losses
