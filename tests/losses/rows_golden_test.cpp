// Methods over vocabulary rows and hidden states, and the references' quirks, against numbers of an
// independent fp64 implementation.
#include <gtest/gtest.h>

#include "losses/fixture.h"
#include "test_folder.h"
#include "unlearn/core/error.h"
#include "unlearn/scoring/token_logprob.h"

namespace unlearn::losses {
namespace {

using torch::Tensor;

const Json kNoRetain = "none";

double near(double golden) { return 1e-12 * std::max(1.0, std::abs(golden)); }

// One sequence of three label positions over four tokens, in both roles, with the row values that
// the method asks for (logits are hidden states under an identity head).
struct RowBatch {
  explicit RowBatch(const Needs& needs) {
    const auto rows = [](const std::vector<double>& values) {
      return torch::tensor(values, torch::kDouble).view({3, 4});
    };
    z = rows({1.0, 0.0, -1.0, 0.5, 0.2, 1.5, -0.3, 0.0, -0.4, 0.6, 0.9, -1.2});
    z.set_requires_grad(true);
    const Tensor reference = rows({0.8, 0.3, -0.5, 0.1, 0.0, 1.0, 0.2, -0.6, 0.1, 0.1, 1.1, -0.7});
    const Tensor labels = torch::tensor({0, 1, 2}, torch::kLong);
    const model::Head head{torch::eye(4, torch::kDouble), {}};
    const auto fill = [&](scoring::TokenScores& scores, const scoring::RowRequest& request) {
      scores.examples = {&example};
      scores.offsets = {0, 3};
      scores.logp = z.log_softmax(1).gather(1, labels.unsqueeze(1)).squeeze(1);
      scores.reference_logp = reference.log_softmax(1).gather(1, labels.unsqueeze(1)).squeeze(1);
      if (request.function == nullptr) return;
      const Tensor taken = z.slice(0, request.skip);
      scores.row_values = scoring::row_values(
          request, taken, head,
          {reference.slice(0, request.skip), head, labels.slice(0, request.skip)});
      scores.row_offsets = {0, taken.size(0)};
    };
    example.num_labels = 3;
    fill(inputs.forget, needs.forget_rows);
    fill(inputs.retain, needs.retain_rows);
  }

  data::Example example;
  Tensor z;
  LossInputs inputs;
};

void check_rows(const std::string& method, Fields fields, const std::vector<std::string>& quirks,
                double golden, const std::vector<double>& first_row = {}) {
  SCOPED_TRACE(method + " " + Json(fields).dump());
  const auto loss = make_loss(method, fields, quirks);
  const RowBatch batch(loss->needs());
  const Tensor total = total_loss(*loss, batch.inputs);
  EXPECT_NEAR(total.item<double>(), golden, near(golden));
  if (first_row.empty()) return;
  const Tensor gradient = torch::autograd::grad({total}, {batch.z})[0][0];
  EXPECT_TRUE(torch::allclose(gradient, torch::tensor(first_row, torch::kDouble), 1e-10, 1e-13))
      << gradient;
}

TEST(GoldenRowLosses, Undial) {
  check_rows("undial", {}, {}, 1.8762774765019,
             {0.157985948253, -0.0888398200715, -0.0446524624863, -0.0244936656954});
  check_rows("undial", {{"beta", 3.0}}, {}, 1.8221344328241,
             {0.146354403497, -0.0837114080337, -0.0423481184178, -0.0202948770456});
}

TEST(GoldenRowLosses, CrossEntropyUnlearning) {
  check_rows("ceu", {{"ignore_first_n_answer_tokens", 0}}, {}, 1.6960192827913,
             {0.157996948751, -0.0523758242613, -0.0192679889601, -0.08635313553});
  // By default the first answer token is left alone.
  const auto loss = make_loss("ceu");
  const RowBatch batch(loss->needs());
  const Tensor total = total_loss(*loss, batch.inputs);
  const Tensor gradient = torch::autograd::grad({total}, {batch.z})[0];
  EXPECT_EQ(gradient[0].abs().max().item<double>(), 0.0);
  EXPECT_GT(gradient[1].abs().max().item<double>(), 0.1);
}

TEST(GoldenRowLosses, Pdu) {
  const Fields fields = {{"retain_weight", 0.0}, {"primal_dual", false}};
  const std::vector<double> row = {0.4375, -0.145833333333333, -0.145833333333333,
                                   -0.145833333333333};
  check_rows("pdu", fields, {}, 0.98125, row);
  check_rows("pdu", fields, {"pdu_shift"}, 0.98125, row);
  using scoring::RowPositions;
  EXPECT_EQ(make_loss("pdu", fields)->needs().forget_rows.positions, RowPositions::kLabelTokens);
  EXPECT_EQ(make_loss("pdu", fields, {"pdu_shift"})->needs().forget_rows.positions,
            RowPositions::kLabels);
}

// The token mean of -log p is 0.67093594138318, the KL 0.061501659751945.
TEST(GoldenRowLosses, ForgetKl) {
  check_rows("ga_forgetkl", {}, {}, -0.67093594138318 + 0.061501659751945);
  check_rows("grad_diff", {{"retain_loss", "kl"}}, {}, -0.67093594138318 + 0.061501659751945);
  check_rows("grad_diff", {{"retain_loss", "kl"}}, {"kl_per_sequence"},
             -0.67093594138318 + 3 * 0.061501659751945);
}

TEST(GoldenRowLosses, MuseRawLogits) {
  const std::vector<std::string> raw = {"muse_logits"};
  check_rows("npo", {{"beta", 0.1}, {"retain_loss", kNoRetain}}, raw, 13.859255639842,
             {0.08416663889, 0.0820834270749, 0.0812504339193, 0.0849997778133});
  check_rows("simnpo", {{"beta", 0.7}, {"retain_loss", kNoRetain}}, raw, 2.2355081843182);
  check_rows("simnpo", {{"beta", 0.7}, {"delta", 0.1}, {"retain_loss", kNoRetain}}, raw,
             2.3421035532597);
  // Beside its KL the forget coefficient is not applied.
  const Fields kl = {{"beta", 0.1}, {"retain_loss", "kl"}, {"forget_weight", 0.25}};
  check_rows("npo", kl, raw, 13.859255639842 - 0.6075542409205);
  const Fields nll = {{"beta", 0.1}, {"retain_loss", "nll"}, {"forget_weight", 0.25}};
  check_rows("npo", nll, raw, 0.25 * 13.859255639842 + 0.67093594138318);
}

// h, its labels' first two (or all three) rows, and the control vector 2 (0.6, 0.8, 0, 0).
struct HiddenBatch {
  explicit HiddenBatch(bool two) {
    const Tensor h = torch::tensor({0.5, -1.0, 0.25, 2.0, 1.0, 0.0, -0.5, 0.75, 0.1, 0.2, 0.3, 0.4},
                                   torch::kDouble)
                         .view({3, 4});
    scoring::TokenScores& forget = inputs.forget;
    forget.examples = {&examples[0]};
    forget.offsets = {0, 2};
    forget.hidden = h.narrow(0, 0, 2);
    if (two) {
      forget.examples.push_back(&examples[1]);
      forget.offsets.push_back(5);
      forget.hidden = torch::cat({forget.hidden, 0.5 * h});
    }
    forget.hidden = forget.hidden.detach().clone().set_requires_grad(true);
  }
  data::Example examples[2];
  LossInputs inputs;
};

std::unique_ptr<Loss> make_rmu(const std::vector<std::string>& quirks) {
  auto loss = make_loss("rmu", {{"retain_loss", kNoRetain}, {"steering_coeff", 2.0}}, quirks);
  loss->load_state({{"direction", {0.6, 0.8, 0.0, 0.0}}});
  return loss;
}

TEST(GoldenRowLosses, Rmu) {
  const auto loss = make_rmu({});
  const HiddenBatch one(false);
  EXPECT_NEAR(total_loss(*loss, one.inputs).item<double>(), 1.840625, 1e-14);
  const Tensor gradient = losses::gradient(*loss, one.inputs, one.inputs.forget.hidden);
  const Tensor wanted =
      torch::tensor({-0.175, -0.65, 0.0625, 0.5, -0.05, -0.4, -0.125, 0.1875}, torch::kDouble);
  EXPECT_TRUE(torch::allclose(gradient.flatten(), wanted, 1e-12, 1e-14)) << gradient;
  const HiddenBatch two(true);
  EXPECT_NEAR(total_loss(*loss, two.inputs).item<double>(), 1.4709895833333, 1e-12);
}

TEST(GoldenRowLosses, RmuAsInOpenUnlearning) {
  const auto loss = make_rmu({"rmu_ou"});
  const HiddenBatch one(false);
  EXPECT_NEAR(total_loss(*loss, one.inputs).item<double>(), 1.840625, 1e-14);
  const HiddenBatch two(true);
  EXPECT_NEAR(total_loss(*loss, two.inputs).item<double>(), 1.4552734375, 1e-12);
  // The step's mean of 1/2 and 1/3 gives the same for any cut.
  const auto statistics = loss->statistics(two.inputs);
  EXPECT_NEAR(statistics.at(0).sum / statistics.at(0).count, (0.5 + 1.0 / 3) / 2, 1e-14);
  loss->set_statistics({(0.5 + 1.0 / 3) / 2, 0.0});
  EXPECT_NEAR(total_loss(*loss, two.inputs).item<double>(), 1.4552734375, 1e-12);
}

// Mean over two retain sequences of the mean squared distance to the reference's states.
TEST(GoldenRowLosses, RmuEmbedDiff) {
  const auto loss = make_loss("rmu", {{"forget_weight", 0.0}, {"retain_weight", 3.0}});
  loss->start({.hidden_size = 4, .num_layers = 8});
  HiddenBatch batch(true);
  batch.inputs.retain = batch.inputs.forget;
  batch.inputs.retain.reference_hidden = torch::ones({5, 4}, torch::kDouble);
  const Tensor squares = (batch.inputs.retain.hidden.detach() - 1).square().mean(1);
  const double wanted =
      3 * (squares.slice(0, 0, 2).mean() + squares.slice(0, 2).mean()).item<double>() / 2;
  EXPECT_NEAR(total_loss(*loss, batch.inputs).item<double>(), wanted, 1e-13);
}

TEST(GoldenRowLosses, WmdpBatchMean) {
  const auto check_mean = [](const std::string& method, double beta, double golden, double token) {
    const auto loss =
        make_loss(method, {{"beta", beta}, {"retain_loss", kNoRetain}}, {"wmdp_batch_mean"});
    const Batch batch = fixture_a();
    const auto expect = [&] {
      EXPECT_NEAR(total_loss(*loss, batch.inputs).item<double>(), golden, near(golden)) << method;
      const Tensor gradient = losses::gradient(*loss, batch.inputs, batch.inputs.forget.logp);
      EXPECT_TRUE(torch::allclose(gradient, torch::full_like(gradient, token), 1e-11, 0));
    };
    expect();
    // The same from a step's mean, as it is for a batch cut in pieces.
    const Statistic mean = loss->statistics(batch.inputs).at(0);
    loss->set_statistics({mean.sum / mean.count});
    expect();
  };
  check_mean("npo", 0.0225, 61.407071998451, 0.124709961458);
  check_mean("simnpo", 0.1, 13.08494045461, 0.120041665514);
}

TEST(GoldenRowLosses, DpoWithoutItsScale) {
  const Batch batch = fixture_a();
  const auto loss = make_loss("dpo", {{"beta", 0.1}, {"retain_loss", kNoRetain}}, {"dpo_scale=1"});
  const double golden = 12.964954665426 * 0.1 / 2;
  EXPECT_NEAR(total_loss(*loss, batch.inputs).item<double>(), golden, 1e-13);
  const Tensor gradient = losses::gradient(*loss, batch.inputs, batch.inputs.forget.logp);
  EXPECT_NEAR(gradient[0].item<double>(), 0.488751898053 * 0.1 / 2, 1e-13);
}

TEST(Quirks, WhatChangesNothingIsRefused) {
  const auto complaint = [](const char* method, const char* retain, const char* quirk) {
    return refusal([&] { make_loss(method, {{"retain_loss", retain}}, {quirk}); });
  };
  for (const char* quirk : {"kl_padded", "kl_padded_batch", "kl_per_sequence"}) {
    EXPECT_NE(complaint("npo", "nll", quirk).find("this run computes no KL"), std::string::npos);
    EXPECT_EQ(complaint("npo", "kl", quirk), "accepted");
    EXPECT_EQ(complaint("ga_forgetkl", "nll", quirk), "accepted");
  }
  EXPECT_NE(complaint("wga", "nll", "muse_logits").find("changes nothing"), std::string::npos);
  EXPECT_EQ(complaint("simnpo", "nll", "muse_logits"), "accepted");
}

TEST(Quirks, DivideEveryKlAlike) {
  for (const char* quirk : {"kl_per_sequence", "muse_logits"}) {
    const auto loss = make_loss("ga_forgetkl", {{"retain_loss", "kl"}}, {quirk});
    EXPECT_EQ(loss->terms().at(1).unit, Unit::kSequence) << quirk;
    EXPECT_EQ(loss->terms().at(2).unit, Unit::kSequence) << quirk;
  }
}

TEST(Quirks, AreOffUnlessNamedAndKnowTheirMethod) {
  for (const Method& method : methods()) {
    for (const Quirk& quirk : method.make()->quirks()) {
      if (quirk.on != nullptr) {
        EXPECT_FALSE(*quirk.on) << method.info.name << " " << quirk.name;
      }
      EXPECT_FALSE(quirk.help.empty());
    }
  }
  const auto message = [](const std::string& method, const std::string& quirk) -> std::string {
    return refusal([&] { enable_quirks(*find_method(method).make(), method, {quirk}); });
  };
  EXPECT_EQ(message("pdu", "pdu-shift"), "accepted");
  EXPECT_NE(message("npo", "pdu_shift").find("not a quirk of npo but of pdu"), std::string::npos);
  EXPECT_NE(message("npo", "muse_logit").find("did you mean 'muse_logits'"), std::string::npos);
  EXPECT_NE(message("idk", "kl_padded").find("not a quirk of idk"), std::string::npos);
  // Quirks of a run are every method's.
  for (const Quirk& quirk : run_quirks()) {
    EXPECT_FALSE(quirk.help.empty());
    for (const Method& method : methods()) {
      EXPECT_EQ(message(method.info.name, quirk.name), "accepted") << method.info.name;
    }
  }
  EXPECT_NE(message("npo", "pad_is_mask").find("did you mean 'pad_is_masked'"), std::string::npos);
  EXPECT_EQ(quirk_settings(*find_method("satimp").make(), {"satimp_yaml"}),
            (Defaults{{"method.forget_weight", "0.1"}, {"method.retain_weight", "1.0"}}));
}

}  // namespace
}  // namespace unlearn::losses
