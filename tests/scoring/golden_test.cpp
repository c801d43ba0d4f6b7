// Scores and generations of every family against transformers, however they are batched.
#include <gtest/gtest.h>

#include "scoring/fixture.h"
#include "unlearn/scoring/generate.h"
#include "unlearn/scoring/score_batch.h"
#include "unlearn/scoring/score_examples.h"

namespace unlearn::scoring {
namespace {

ScoreExamplesOptions in_batches_of(int64_t tokens) {
  ScoreExamplesOptions options;
  options.batch_tokens = tokens;
  return options;
}

class GoldenScores : public testing::TestWithParam<std::string> {};

TEST_P(GoldenScores, ScoreExamplesInAnyBatches) {
  const model::Golden golden(GetParam());
  const auto model = golden_model(GetParam());
  const auto examples = golden_examples(golden);
  const auto* expected = golden.log_probs.const_data_ptr<float>();
  for (const int64_t batch_tokens : {1, 40, 4096}) {
    const auto scores = score_examples(*model, pointers(examples), in_batches_of(batch_tokens));
    ASSERT_EQ(scores.size(), examples.size());
    int64_t next = 0;
    for (const ExampleScore& score : scores) {
      for (const double logp : score.logp) EXPECT_NEAR(logp, expected[next++], 1e-4);
      EXPECT_NEAR(score.mean() * static_cast<double>(score.logp.size()), score.sum(), 1e-9);
    }
    EXPECT_EQ(next, golden.log_probs.numel());
  }
}

// As in training: a step's sequences side by side, with or without their last tokens. LongRoPE's
// tiny checkpoints have a sequence one token beyond where the angles change.
TEST_P(GoldenScores, PackedBatchesScoreTheSame) {
  const model::Golden golden(GetParam());
  const auto model = golden_model(GetParam());
  const auto examples = golden_examples(golden);
  std::vector<data::PackItem> items;
  for (const data::Example& example : examples) items.push_back({data::Role::kForget, &example});
  ScoreRequest request;
  request.forget.logp = true;
  torch::NoGradGuard no_grad;
  for (const bool with_last_token : {false, true}) {
    const BatchScores scores =
        score_batch(*model, data::pack(items, with_last_token), request, nullptr);
    ASSERT_EQ(scores.forget.logp.numel(), golden.log_probs.numel());
    EXPECT_LT((scores.forget.logp - golden.log_probs).abs().max().item<double>(), 1e-4)
        << (with_last_token ? "with" : "without") << " the last tokens";
  }
}

TEST_P(GoldenScores, MaskedLabelsLeaveTheOthersAsTheyAre) {
  const model::Golden golden(GetParam());
  const auto model = golden_model(GetParam());
  auto examples = golden_examples(golden);
  const auto all = score_examples(*model, pointers(examples));
  for (data::Example& example : examples) {
    std::fill_n(example.labels.begin(), 3, data::kIgnored);
    example.num_labels -= 2;
  }
  const auto some = score_examples(*model, pointers(examples), in_batches_of(30));
  for (size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(some[i].logp.size() + 2, all[i].logp.size());
    for (size_t t = 0; t < some[i].logp.size(); ++t) {
      EXPECT_NEAR(some[i].logp[t], all[i].logp[t + 2], 1e-5);
      EXPECT_EQ(some[i].argmax_matches[t], all[i].argmax_matches[t + 2]);
    }
  }
}

std::vector<std::vector<int32_t>> prompts_of(const model::Golden& golden) {
  std::vector<std::vector<int32_t>> prompts;
  for (const data::Example& example : golden_examples(golden)) prompts.push_back(example.tokens);
  return prompts;
}

std::vector<std::vector<int32_t>> greedy_of(const model::Golden& golden) {
  std::vector<std::vector<int32_t>> out;
  for (int64_t s = 0; s < golden.greedy.size(0); ++s) {
    std::vector<int32_t>& ids = out.emplace_back();
    for (int64_t i = 0; i < golden.greedy.size(1); ++i) {
      ids.push_back(static_cast<int32_t>(golden.greedy[s][i].item<int64_t>()));
    }
  }
  return out;
}

TEST_P(GoldenScores, GenerationBatchedAndOneByOne) {
  const model::Golden golden(GetParam());
  const auto model = golden_model(GetParam());
  const auto prompts = prompts_of(golden);
  const auto expected = greedy_of(golden);
  GenerateOptions options;
  options.max_new_tokens = golden.greedy.size(1);
  for (const int64_t batch_tokens : {1, 50, 8192}) {
    options.batch_tokens = batch_tokens;
    EXPECT_EQ(generate(*model, prompts, options), expected) << "batch of " << batch_tokens;
  }
}

// Outputs that end at different steps must not disturb the ones that go on.
TEST_P(GoldenScores, OutputsEndOnTheirOwn) {
  const model::Golden golden(GetParam());
  const auto model = golden_model(GetParam());
  auto expected = greedy_of(golden);
  GenerateOptions options;
  options.max_new_tokens = golden.greedy.size(1);
  options.stop_ids = {expected[0][2]};
  for (auto& ids : expected) {
    ids.erase(std::find(ids.begin(), ids.end(), options.stop_ids[0]), ids.end());
  }
  EXPECT_LT(expected[0].size(), 3u);
  EXPECT_EQ(generate(*model, prompts_of(golden), options), expected);
}

INSTANTIATE_TEST_SUITE_P(Variants, GoldenScores, testing::ValuesIn(model::variants()),
                         [](const auto& variant) { return variant.param; });

TEST(Generate, LimitsOfLength) {
  const model::Golden golden("llama");
  const auto model = golden_model("llama");
  const auto prompts = prompts_of(golden);
  const auto expected = greedy_of(golden);
  GenerateOptions options;
  options.max_new_tokens = 3;
  options.max_total_tokens = static_cast<int64_t>(prompts[0].size()) + 2;
  const auto outputs = generate(*model, prompts, options);
  for (size_t s = 0; s < prompts.size(); ++s) {
    const auto room = options.max_total_tokens - static_cast<int64_t>(prompts[s].size());
    const int64_t length = std::clamp<int64_t>(room, 0, 3);
    const std::vector<int32_t> want(expected[s].begin(), expected[s].begin() + length);
    EXPECT_EQ(outputs[s], want) << s;
  }
}

TEST(Generate, SamplingIsAFunctionOfTheSeedNotOfTheBatch) {
  const model::Golden golden("qwen2");
  const auto model = golden_model("qwen2");
  GenerateOptions options;
  options.max_new_tokens = 8;
  options.temperature = 1.5;
  options.top_p = 0.95;
  options.seed = 7;
  const auto together = generate(*model, prompts_of(golden), options);
  options.batch_tokens = 1;
  EXPECT_EQ(generate(*model, prompts_of(golden), options), together);
  options.seed = 8;
  EXPECT_NE(generate(*model, prompts_of(golden), options), together);
  options.top_p = 0;  // only the likeliest token is left
  const auto greedy = generate(*model, prompts_of(golden), options);
  options.temperature = 0;
  EXPECT_EQ(generate(*model, prompts_of(golden), options), greedy);
}

TEST(Generate, AStopFunctionSeesEveryOutput) {
  const model::Golden golden("llama");
  const auto model = golden_model("llama");
  GenerateOptions options;
  options.max_new_tokens = 6;
  options.should_stop = [](const std::vector<int32_t>& output) { return output.size() == 2; };
  for (const auto& output : generate(*model, prompts_of(golden), options)) {
    EXPECT_EQ(output.size(), 2u);
  }
}

}  // namespace
}  // namespace unlearn::scoring
