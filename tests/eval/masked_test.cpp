// eval.pad_is_masked against transformers with attention_mask = ids != pad
// (scripts/goldens/masked.py).
#include <gtest/gtest.h>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/eval/execute.h"

namespace unlearn::eval {
namespace {
namespace fs = std::filesystem;

using Tokens = std::vector<int32_t>;

data::Example text_example(Tokens tokens) {
  data::Example example;
  example.labels = tokens;
  example.labels.front() = data::kIgnored;
  example.num_labels = static_cast<int64_t>(tokens.size()) - 1;
  example.tokens = std::move(tokens);
  return example;
}

class GoldenMaskedEvaluation : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / cat("unlearn_masked_", GetParam());
    fs::remove_all(folder_);
    for (const Json& text : golden_.at("texts")) plan_.score(text_example(text.get<Tokens>()));
    for (const Json& prompt : golden_.at("prompts")) {
      plan_.generate(prompt.get<Tokens>(), {6, 0, {}});
    }
    plan_.choose({5, 2, 7}, {1, 3});
    plan_.gradient_norm(text_example({5, 2, 7, 3}));
  }
  void TearDown() override { fs::remove_all(folder_); }

  Results run(std::optional<int32_t> masked) {
    ExecuteOptions options;
    options.tokenizer = tokenizer_.get();
    options.masked_token = masked;
    options.cache = folder_;
    return execute(
        plan_, [this]() -> model::CausalLM& { return *model_; }, options);
  }

  double largest_difference(const Results& results) const {
    double worst = 0;
    for (size_t i = 0; i < results.of<ScoreRequest>().size(); ++i) {
      const auto wanted = golden_.at("log_probs").at(GetParam()).at(i).get<std::vector<double>>();
      for (size_t t = 0; t < wanted.size(); ++t) {
        worst = std::max(worst, std::abs(results.of<ScoreRequest>()[i].logp.at(t) - wanted[t]));
      }
    }
    return worst;
  }

  const fs::path models_ = fs::path(UNLEARN_TEST_DIR) / "golden/model";
  const Json golden_ = read_json(models_ / "masked.json");
  std::unique_ptr<tokenizer::Tokenizer> tokenizer_ =
      tokenizer::load_tokenizer(fs::path(UNLEARN_SOURCE_DIR) / "data/tiny");
  std::shared_ptr<model::CausalLM> model_ =
      model::load_model(models_ / GetParam(), torch::kFloat32, torch::kCPU);
  fs::path folder_;
  Plan plan_;
};

TEST_P(GoldenMaskedEvaluation, ScoresAndGenerations) {
  const auto pad = golden_.at("pad").get<int32_t>();
  const Results plain = run(std::nullopt);
  EXPECT_GT(largest_difference(plain), 1e-2);
  const Results masked = run(pad);  // not what the cache keeps of the run before
  EXPECT_LT(largest_difference(masked), 1e-4);
  EXPECT_EQ(masked.of<GenerationRequest>(),
            golden_.at("greedy").at(GetParam()).get<std::vector<Tokens>>());
  EXPECT_NE(masked.of<GradientRequest>(), plain.of<GradientRequest>());
  EXPECT_EQ(masked.of<ChoiceRequest>(), plain.of<ChoiceRequest>());
  EXPECT_EQ(plain.of<ScoreRequest>().at(0).logp, run(std::nullopt).of<ScoreRequest>().at(0).logp);
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenMaskedEvaluation, ::testing::Values("llama", "gpt2", "phi"));

TEST(MaskedPlan, APromptThatEndsWithThePadTokenIsRefused) {
  Plan plan;
  plan.generate({5, 6, 2}, {6, 0, {}});
  EXPECT_THROW(plan.with_masked_token(2), UserError);
  EXPECT_NO_THROW(plan.with_masked_token(6));
}

TEST(MaskedPlan, OnlyWhatHoldsTheTokenChanges) {
  Plan plan;
  plan.score(text_example({5, 6, 7}));
  plan.score(text_example({5, 2, 7}));
  plan.generate({5, 2, 7}, {6, 10, {}});
  const Plan masked = plan.with_masked_token(2);
  EXPECT_EQ(masked.of<ScoreRequest>()[0].key, plan.of<ScoreRequest>()[0].key);
  EXPECT_NE(masked.of<ScoreRequest>()[1].key, plan.of<ScoreRequest>()[1].key);
  EXPECT_EQ(masked.of<GenerationRequest>()[0].prompt, (Tokens{5, 7}));
  EXPECT_EQ(masked.of<GenerationRequest>()[0].limits.max_total_tokens,
            9);  // of the prompt as it was
}

}  // namespace
}  // namespace unlearn::eval
