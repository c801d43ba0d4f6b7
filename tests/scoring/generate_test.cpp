// Long generations: prompts that wait for a place, and guesses that must never show in an output.
#include "unlearn/scoring/generate.h"

#include <gtest/gtest.h>

#include "scoring/drafter.h"
#include "scoring/fixture.h"
#include "unlearn/core/rng.h"

namespace unlearn::scoring {
namespace {

using Tokens = std::vector<int32_t>;

constexpr int64_t kNewTokens = 20;

// Without cache, batch and guesses: the whole text again for every token.
Tokens one_by_one(model::CausalLM& model, Tokens text, int64_t new_tokens) {
  const torch::NoGradGuard no_grad;
  const size_t prompt = text.size();
  for (int64_t i = 0; i < new_tokens; ++i) {
    const torch::Tensor ids = torch::tensor(std::vector<int64_t>(text.begin(), text.end()));
    const torch::Tensor hidden = model.hidden_states({ids, {}, {0, ids.size(0)}});
    const torch::Tensor best = model::logits_of(model, hidden.slice(0, -1)).argmax(1);
    text.push_back(static_cast<int32_t>(best.item<int64_t>()));
  }
  return {text.begin() + static_cast<int64_t>(prompt), text.end()};
}

std::vector<Tokens> some_prompts(int64_t vocabulary) {
  Rng rng(21);
  std::vector<Tokens> prompts;
  for (const size_t length : {3, 9, 4, 1, 12, 5, 7}) {
    Tokens& prompt = prompts.emplace_back(length);
    for (int32_t& token : prompt) token = static_cast<int32_t>(rng.below(vocabulary));
  }
  return prompts;
}

TEST(GoldenGuidance, WhosHarryPotter) {
  const auto rows = [](const std::vector<double>& values) {
    return torch::tensor(values, torch::kDouble).view({3, 4});
  };
  const torch::Tensor z = rows({1.0, 0.0, -1.0, 0.5, 0.2, 1.5, -0.3, 0.0, -0.4, 0.6, 0.9, -1.2});
  const torch::Tensor reinforced =
      rows({0.8, 0.3, -0.5, 0.1, 0.0, 1.0, 0.2, -0.6, 0.1, 0.1, 1.1, -0.7});
  const torch::Tensor wanted = rows({1, -0.3, -1.5, 0.5, 0.2, 1.5, -0.8, 0, -0.9, 0.6, 0.7, -1.7});
  EXPECT_TRUE(torch::allclose(whp_logits(z, reinforced, 1.0), wanted, 0, 1e-14));
}

class LongGenerations : public testing::TestWithParam<std::string> {};

TEST_P(LongGenerations, AreThoseOfTheWholeTextAgainForEveryToken) {
  const auto plain = golden_model(GetParam(), torch::kFloat64);
  const auto prompts = some_prompts(plain->dims().vocab_size);
  std::vector<Tokens> expected;
  for (const Tokens& prompt : prompts) expected.push_back(one_by_one(*plain, prompt, kNewTokens));
  CountedModel model(plain);
  GenerateOptions options;
  options.max_new_tokens = kNewTokens;
  for (const int64_t at_a_time : {1, 3, 7}) {
    options.batch_tokens = at_a_time * (12 + kNewTokens);
    model.widest = 0;
    EXPECT_EQ(generate(model, prompts, options), expected) << at_a_time << " at a time";
    EXPECT_EQ(model.widest, at_a_time);
  }
}

// Outputs end at different tokens, so that prompts join while others are under way.
TEST_P(LongGenerations, PromptsTakeThePlacesOfFinishedOutputs) {
  const auto model = golden_model(GetParam(), torch::kFloat64);
  const auto prompts = some_prompts(model->dims().vocab_size);
  GenerateOptions options;
  options.max_new_tokens = kNewTokens;
  auto expected = generate(*model, prompts, options);
  options.stop_ids = {expected[0][1], expected[1][6], expected[2].back()};
  for (Tokens& output : expected) {
    const auto stop = std::find_first_of(output.begin(), output.end(), options.stop_ids.begin(),
                                         options.stop_ids.end());
    output.erase(stop, output.end());
  }
  options.batch_tokens = 2 * (12 + kNewTokens);
  EXPECT_EQ(generate(*model, prompts, options), expected);
}

INSTANTIATE_TEST_SUITE_P(Variants, LongGenerations,
                         testing::Values("llama", "gpt2", "gpt_neox", "phi", "gemma2", "gemma3",
                                         "qwen3_window", "mistral"),
                         [](const auto& variant) { return variant.param; });

// A tiny model soon repeats itself; then one pass gives several tokens.
TEST(Guesses, SavePasses) {
  CountedModel model(golden_model("llama", torch::kFloat64));
  GenerateOptions options;
  options.max_new_tokens = 50;
  const auto outputs = generate(model, {{5, 9, 2}}, options);
  ASSERT_EQ(outputs[0].size(), 50u);
  EXPECT_LT(model.passes, 45);
  model.passes = 0;
  options.temperature = 1;  // nothing to check a guess against
  generate(model, {{5, 9, 2}}, options);
  EXPECT_EQ(model.passes, 50);
}

TEST(Drafter, GoesOnAsTheTextDidBefore) {
  EXPECT_EQ(Drafter({1, 2, 3, 4, 5, 6, 7, 1, 2, 3}).guess(10), (Tokens{4, 5, 6, 7}));
  EXPECT_EQ(Drafter({1, 2, 3, 4, 5, 6, 7, 1, 2, 3}).guess(2), (Tokens{4, 5}));
  EXPECT_EQ(Drafter({1, 2, 9, 3, 2, 8, 3, 2}).guess(10), (Tokens{8, 3, 2, 8}));  // the later one
  EXPECT_EQ(Drafter({6, 6, 6}).guess(10), (Tokens{6, 6, 6, 6}));
  EXPECT_EQ(Drafter({1, 2, 3, 4}).guess(10), Tokens());
  EXPECT_EQ(Drafter({1, 1}).guess(10), Tokens());
  EXPECT_EQ(Drafter({7}).guess(10), Tokens());
  EXPECT_EQ(Drafter({6, 6, 6}).guess(0), Tokens());
}

TEST(Drafter, GuessesMoreWhereItIsRightAndPausesWhereItIsWrong) {
  Drafter drafter({6, 6, 6});
  size_t guessed = drafter.guess(100).size();
  drafter.report(guessed, guessed);
  guessed = drafter.guess(100).size();
  EXPECT_EQ(guessed, 8u);
  drafter.report(guessed, 3);
  EXPECT_EQ(drafter.guess(100).size(), 3u);
  drafter.report(3, 0);
  int pauses = 0;
  while (drafter.guess(100).empty()) ++pauses;
  EXPECT_EQ(pauses, 2);
  drafter.report(1, 0);
  while (drafter.guess(100).empty()) ++pauses;
  EXPECT_EQ(pauses, 2 + 4);
}

}  // namespace
}  // namespace unlearn::scoring
