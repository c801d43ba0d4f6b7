// Methods over vocabulary rows and hidden states, and the references' quirks, against
// scripts/goldens/loss_rows.py, which writes them with PyTorch autograd in fp64.
#include <gtest/gtest.h>

#include "losses/fixture.h"
#include "test_folder.h"
#include "unlearn/core/error.h"
#include "unlearn/core/json.h"
#include "unlearn/scoring/token_logprob.h"

namespace unlearn::losses {
namespace {

using torch::Tensor;

const Json kNoRetain = "none";

const Json& golden_row_losses() {
  static const Json values = read_json(std::string(UNLEARN_TEST_DIR) + "/golden/losses/rows.json");
  return values;
}

Tensor golden_matrix(const char* name) {
  std::vector<double> values;
  for (const Json& row : golden_row_losses().at(name)) {
    for (const Json& value : row) values.push_back(value.get<double>());
  }
  return torch::tensor(values, torch::kDouble)
      .view({static_cast<int64_t>(golden_row_losses().at(name).size()), -1});
}

void expect_loss(double found, const Json& golden) {
  const auto wanted = golden.at("loss").get<double>();
  EXPECT_NEAR(found, wanted, 1e-12 * std::max(1.0, std::abs(wanted)));
}

void expect_gradient(const Tensor& found, const Json& golden) {
  const auto wanted = golden.at("gradient").get<std::vector<double>>();
  EXPECT_TRUE(torch::allclose(found.flatten(), torch::tensor(wanted, torch::kDouble), 1e-11, 1e-14))
      << found;
}

std::unique_ptr<Loss> golden_loss(const Json& golden) {
  Fields fields;
  for (const auto& [key, value] : golden.at("settings").items()) fields.emplace_back(key, value);
  return make_loss(golden.at("method").get<std::string>(), fields,
                   golden.at("quirks").get<std::vector<std::string>>());
}

// One sequence of three label positions over four tokens, in both roles, with the row values that
// the method asks for (logits are hidden states under an identity head).
struct RowBatch {
  explicit RowBatch(const Needs& needs) {
    z = golden_matrix("logits").set_requires_grad(true);
    const Tensor reference = golden_matrix("reference");
    const Tensor labels =
        torch::tensor(golden_row_losses().at("labels").get<std::vector<int64_t>>(), torch::kLong);
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

TEST(GoldenRowLosses, ValuesAndGradientsOfEveryLogit) {
  const Json& cases = golden_row_losses().at("rows");
  ASSERT_EQ(cases.size(), 14u);
  for (const Json& golden : cases) {
    SCOPED_TRACE(golden.at("method").dump() + golden.at("settings").dump() +
                 golden.at("quirks").dump());
    const auto loss = golden_loss(golden);
    const RowBatch batch(loss->needs());
    const Tensor total = total_loss(*loss, batch.inputs);
    expect_loss(total.item<double>(), golden);
    expect_gradient(torch::autograd::grad({total}, {batch.z})[0], golden);
  }
}

TEST(GoldenRowLosses, PduReadsLogitsAtTheLabels) {
  const Fields fields = {{"retain_weight", 0.0}, {"primal_dual", false}};
  using scoring::RowPositions;
  EXPECT_EQ(make_loss("pdu", fields)->needs().forget_rows.positions, RowPositions::kLabelTokens);
  EXPECT_EQ(make_loss("pdu", fields, {"pdu_shift"})->needs().forget_rows.positions,
            RowPositions::kLabels);
}

// The states of a sequence of two labels; where there are two, half of all three states as well.
struct HiddenBatch {
  explicit HiddenBatch(bool two) {
    const Tensor h = golden_matrix("hidden_states");
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
  auto loss = make_loss("rmu",
                        {{"retain_loss", kNoRetain},
                         {"steering_coeff", golden_row_losses().at("coefficient").get<double>()}},
                        quirks);
  loss->load_state({{"direction", golden_row_losses().at("direction")}});
  return loss;
}

TEST(GoldenRowLosses, Rmu) {
  const Json& cases = golden_row_losses().at("hidden");
  ASSERT_EQ(cases.size(), 4u);
  for (const Json& golden : cases) {
    SCOPED_TRACE(golden.dump());
    const auto loss = make_rmu(golden.at("quirks").get<std::vector<std::string>>());
    const HiddenBatch batch(golden.at("sequences") == 2);
    expect_loss(total_loss(*loss, batch.inputs).item<double>(), golden);
    expect_gradient(losses::gradient(*loss, batch.inputs, batch.inputs.forget.hidden), golden);
  }
}

// OpenUnlearning's mean of 1/count: from a step's statistics it is the same for any cut of a batch.
TEST(GoldenRowLosses, RmuOfOpenUnlearningFromAStepsMean) {
  const auto loss = make_rmu({"rmu_ou"});
  const HiddenBatch two(true);
  const auto statistics = loss->statistics(two.inputs);
  EXPECT_NEAR(statistics.at(0).sum / statistics.at(0).count, (0.5 + 1.0 / 3) / 2, 1e-14);
  loss->set_statistics({(0.5 + 1.0 / 3) / 2, 0.0});
  expect_loss(total_loss(*loss, two.inputs).item<double>(), golden_row_losses().at("hidden").at(3));
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

TEST(GoldenRowLosses, QuirksOverTokenLogprobs) {
  const Json& cases = golden_row_losses().at("tokens");
  ASSERT_EQ(cases.size(), 3u);
  for (const Json& golden : cases) {
    SCOPED_TRACE(golden.at("method").dump() + golden.at("quirks").dump());
    const auto loss = golden_loss(golden);
    const Batch batch = fixture_a();
    const auto expect = [&] {
      expect_loss(total_loss(*loss, batch.inputs).item<double>(), golden);
      expect_gradient(losses::gradient(*loss, batch.inputs, batch.inputs.forget.logp), golden);
    };
    expect();
    if (golden.at("quirks").at(0) != "wmdp_batch_mean") continue;
    // The same from a step's mean, as it is for a batch cut in pieces.
    const Statistic mean = loss->statistics(batch.inputs).at(0);
    loss->set_statistics({mean.sum / mean.count});
    expect();
  }
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
