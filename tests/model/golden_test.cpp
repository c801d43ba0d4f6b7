// Every family against transformers: log-probabilities, gradients of all parameters, generation.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "model/fixtures.h"
#include "unlearn/core/json.h"
#include "unlearn/core/strings.h"

namespace unlearn::model {
namespace {

class GoldenModel : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenModel, TokenLogProbsAndGradientsInFp32) {
  const Golden golden(GetParam());
  const auto model = load_model(golden_folder() / GetParam(), torch::kFloat32, torch::kCPU);
  const torch::Tensor log_probs = token_log_probs(*model, golden.ids, golden.offsets);
  const double error = (log_probs - golden.log_probs).abs().max().item<double>();
  EXPECT_LT(error, 2e-5);
  (-log_probs.mean()).backward();
  size_t compared = 0;
  double gradient_error = 0;
  for (const auto& entry : model->named_parameters()) {
    const torch::Tensor expected = golden.file.view("grad." + entry.key());
    ASSERT_TRUE(entry.value().grad().defined()) << entry.key();
    const torch::Tensor difference = entry.value().grad() - expected;
    // The gradient of a key bias is zero in exact arithmetic (softmax ignores a constant), so the
    // bound needs an absolute part.
    EXPECT_LT(difference.norm().item<double>(), 1e-4 * expected.norm().item<double>() + 1e-7)
        << entry.key();
    if (expected.norm().item<double>() > 1e-3) {
      gradient_error =
          std::max(gradient_error, (difference.norm() / expected.norm()).item<double>());
    }
    ++compared;
  }
  // For docs/models.md: --gtest_output=json:FILE.
  RecordProperty("log_prob_error", cat(error));
  RecordProperty("gradient_error", cat(gradient_error));
  EXPECT_EQ(compared + 4, golden.file.tensors().size());
}

TEST_P(GoldenModel, TokenLogProbsAndGradientsInFp64) {
  const Golden golden(GetParam());
  const auto model = load_model(golden_folder() / GetParam(), torch::kFloat64, torch::kCPU);
  const torch::Tensor log_probs = token_log_probs(*model, golden.ids, golden.offsets);
  // transformers runs norms and softmax in fp32 even for an fp64 model, which sets the bounds; the
  // models with the most norms (Gemma-3: six per layer) are the farthest.
  EXPECT_LT((log_probs - golden.log_probs).abs().max().item<double>(), 1e-5);
  (-log_probs.mean()).backward();
  for (const auto& entry : model->named_parameters()) {
    const torch::Tensor expected = golden.file.view("grad." + entry.key());
    const torch::Tensor difference = entry.value().grad() - expected;
    EXPECT_LT(difference.norm().item<double>(), 1e-5 * expected.norm().item<double>() + 1e-7)
        << entry.key();
  }
}

TEST_P(GoldenModel, LogProbsInBf16AreClose) {
  const Golden golden(GetParam());
  const auto model = load_model(golden_folder() / GetParam(), torch::kBFloat16, torch::kCPU);
  const torch::NoGradGuard no_grad;
  const torch::Tensor log_probs = token_log_probs(*model, golden.ids, golden.offsets);
  EXPECT_EQ(log_probs.scalar_type(), torch::kBFloat16);
  EXPECT_LT((log_probs.to(torch::kFloat32) - golden.log_probs).abs().mean().item<double>(), 0.1);
}

TEST_P(GoldenModel, GreedyGenerationOfABatchWithDifferentLengths) {
  const Golden golden(GetParam());
  const auto model = load_model(golden_folder() / GetParam(), torch::kFloat32, torch::kCPU);
  const torch::Tensor produced = greedy_tokens(*model, golden, torch::kCPU);
  EXPECT_TRUE(torch::equal(produced, golden.greedy)) << produced << "\nexpected\n" << golden.greedy;
}

// Padding at the end of sequences (scripts/goldens/padding.py): its own outputs are transformers'
// under an attention mask, and nothing else changes.
TEST_P(GoldenModel, OutputsAtPadding) {
  const Json golden = read_json(golden_folder() / "padding.json");
  if (!golden.at("logits").contains(GetParam())) GTEST_SKIP() << "stored in bf16";
  const auto model = load_model(golden_folder() / GetParam(), torch::kFloat32, torch::kCPU);
  const torch::NoGradGuard no_grad;
  PackedIds batch;
  std::vector<torch::Tensor> wanted;
  for (size_t i = 0; i < golden.at("ids").size(); ++i) {
    const auto row = golden["ids"][i].get<std::vector<int64_t>>();
    batch.offsets.push_back(static_cast<int64_t>(i * row.size()));
    for (const auto& position : golden["logits"][GetParam()][i]) {
      wanted.push_back(torch::tensor(position.get<std::vector<double>>()));
    }
    const torch::Tensor ids = torch::tensor(row);
    batch.ids = batch.ids.defined() ? torch::cat({batch.ids, ids}) : ids;
  }
  batch.offsets.push_back(batch.ids.size(0));
  // Behind each text its padding is hidden.
  batch.seen.assign(static_cast<size_t>(batch.offsets.back()), 0);
  for (size_t i = 0; i < golden.at("attended").size(); ++i) {
    std::fill_n(batch.seen.begin() + batch.offsets[i], golden["attended"][i].get<int64_t>(),
                uint8_t{1});
  }
  const torch::Tensor expected = torch::stack(wanted);
  const torch::Tensor got =
      logits_of(*model, model->hidden_states(batch)).slice(1, 0, expected.size(1));
  EXPECT_LT((got - expected).abs().max().item<double>(), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Variants, GoldenModel, ::testing::ValuesIn(variants()),
                         [](const auto& variant) { return variant.param; });

// A real checkpoint: $UNLEARN_SMOLLM2, else models/smollm2-135m, where scripts/fetch_smollm2.sh
// makes it.
std::filesystem::path smollm2_folder() {
  const char* folder = std::getenv("UNLEARN_SMOLLM2");
  return folder != nullptr ? folder : std::string(UNLEARN_SOURCE_DIR) + "/models/smollm2-135m";
}

TEST(SlowSmolLm2, TokenLogProbsAndAnswer) {
  const std::filesystem::path folder = smollm2_folder();
  if (!std::filesystem::exists(folder / "config.json")) {
    GTEST_SKIP() << folder << " is missing: run scripts/fetch_smollm2.sh";
  }
  const auto model = load_model(folder, torch::kFloat32, torch::kCPU);
  const torch::NoGradGuard no_grad;
  for (const Json& row : read_json(golden_folder() / "smollm2.json")) {
    if (row.contains("log_probs")) {
      const auto ids = torch::tensor(row.at("ids").get<std::vector<int64_t>>());
      const auto expected = torch::tensor(row.at("log_probs").get<std::vector<double>>());
      const auto log_probs = token_log_probs(*model, ids, {0, ids.numel()});
      EXPECT_LT((log_probs - expected).abs().max().item<double>(), 1e-4);
      continue;
    }
    auto ids = row.at("prompt").get<std::vector<int64_t>>();
    const size_t prompt = ids.size();
    for (const auto& expected : row.at("greedy").get<std::vector<int64_t>>()) {
      const torch::Tensor hidden =
          model->hidden_states({torch::tensor(ids), {}, {0, static_cast<int64_t>(ids.size())}});
      ids.push_back(logits_of(*model, hidden[-1]).argmax().item<int64_t>());
      EXPECT_EQ(ids.back(), expected) << "token " << ids.size() - prompt;
    }
  }
}

}  // namespace
}  // namespace unlearn::model
