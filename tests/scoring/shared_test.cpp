// Texts that begin alike are run once as far as they agree: the values stay those of one by one.
#include <gtest/gtest.h>

#include "scoring/fixture.h"
#include "unlearn/scoring/next_token.h"
#include "unlearn/scoring/score_batch.h"
#include "unlearn/scoring/score_examples.h"

namespace unlearn::scoring {
namespace {

// Each golden sequence, and its beginnings of every third length.
std::vector<data::Example> with_beginnings(const model::Golden& golden) {
  std::vector<data::Example> examples = golden_examples(golden);
  const size_t whole = examples.size();
  for (size_t i = 0; i < whole; ++i) {
    for (size_t length = 2; length < examples[i].tokens.size(); length += 3) {
      data::Example part = examples[i];
      part.tokens.resize(length);
      part.labels.resize(length);
      part.num_labels = static_cast<int64_t>(length) - 1;
      examples.push_back(std::move(part));
    }
  }
  return examples;
}

// "Questions" of the golden sequences' first halves, each with five answers that part at different
// tokens; the question is masked but for its last two tokens.
std::vector<data::Example> answers_of(const model::Golden& golden, int64_t vocabulary) {
  std::vector<data::Example> examples;
  int64_t seed = 1;
  for (const data::Example& question : golden_examples(golden)) {
    const size_t prompt = question.tokens.size() / 2;
    for (size_t k = 0; k < 5; ++k) {
      data::Example example = question;
      for (size_t t = prompt + k / 2; t < example.tokens.size(); ++t) {
        seed = seed * 48271 % 2147483647;
        example.tokens[t] = static_cast<int32_t>(seed % vocabulary);
      }
      example.labels = example.tokens;
      std::fill_n(example.labels.begin(), prompt - 2, data::kIgnored);
      example.num_labels = static_cast<int64_t>(example.tokens.size() - prompt) + 2;
      examples.push_back(std::move(example));
    }
  }
  return examples;
}

void expect_near(const std::vector<double>& got, const std::vector<double>& want,
                 double tolerance) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t t = 0; t < got.size(); ++t) EXPECT_NEAR(got[t], want[t], tolerance) << t;
}

class GoldenSharedScores : public testing::TestWithParam<std::string> {};

TEST_P(GoldenSharedScores, BeginningsScoreAsTransformersScoresTheWhole) {
  if (GetParam() == "llama_dynamic" || GetParam().starts_with("phi3_longrope")) {
    GTEST_SKIP() << "its angles depend on the input's length";
  }
  const model::Golden golden(GetParam());
  const auto model = golden_model(GetParam());
  const auto examples = with_beginnings(golden);
  const auto scores = score_examples(*model, pointers(examples));
  const auto* expected = golden.log_probs.const_data_ptr<float>();
  for (size_t i = 0; i < examples.size(); ++i) {
    size_t sequence = 0;
    while (!std::equal(examples[i].tokens.begin(), examples[i].tokens.end(),
                       examples[sequence].tokens.begin())) {
      ++sequence;
    }
    const auto first = golden.offsets[sequence] - static_cast<int64_t>(sequence);
    for (size_t t = 0; t < scores[i].logp.size(); ++t) {
      EXPECT_NEAR(scores[i].logp[t], expected[first + static_cast<int64_t>(t)], 1e-4);
    }
  }
}

// In fp64, so that only a wrong neighbour, position or window could show.
TEST_P(GoldenSharedScores, AnswersOfAQuestionScoreAsOneByOne) {
  const model::Golden golden(GetParam());
  const auto model = golden_model(GetParam(), torch::kFloat64);
  const auto examples = answers_of(golden, model->dims().vocab_size);
  ScoreExamplesOptions options;
  for (size_t i = 0; i < examples.size(); ++i) options.with_moments.push_back(i % 2);
  const auto shared = score_examples(*model, pointers(examples), options);
  ScoreExamplesOptions alone;
  alone.share_beginnings = false;
  alone.moments = true;
  for (size_t i = 0; i < examples.size(); ++i) {
    const auto score = score_examples(*model, {&examples[i]}, alone).front();
    expect_near(shared[i].logp, score.logp, 1e-9);
    EXPECT_EQ(shared[i].argmax_matches, score.argmax_matches);
    expect_near(shared[i].mean_logp, i % 2 == 0 ? std::vector<double>() : score.mean_logp, 1e-9);
    expect_near(shared[i].variance_logp, i % 2 == 0 ? std::vector<double>() : score.variance_logp,
                1e-9);
  }
}

TEST_P(GoldenSharedScores, NextTokensAfterPromptsThatBeginAlike) {
  const model::Golden golden(GetParam());
  const auto model = golden_model(GetParam(), torch::kFloat64);
  const auto examples = answers_of(golden, model->dims().vocab_size);
  const std::vector<int32_t> candidates = {3, 1, 7};
  std::vector<NextTokenQuery> queries;
  for (const data::Example& example : examples) queries.push_back({&example.tokens, &candidates});
  const auto together = next_token_logprob(*model, queries);
  for (size_t i = 0; i < queries.size(); ++i) {
    expect_near(together[i], next_token_logprob(*model, {queries[i]}).front(), 1e-9);
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, GoldenSharedScores, testing::ValuesIn(model::variants()),
                         [](const auto& variant) { return variant.param; });

// What sharing is for: the model meets a question once.
int64_t tokens_run(const std::string& variant) {
  CountedModel model(golden_model(variant));
  const auto tokens = [](std::vector<int32_t> ids) {
    data::Example example;
    example.tokens = example.labels = std::move(ids);
    example.labels[0] = data::kIgnored;
    example.num_labels = static_cast<int64_t>(example.tokens.size()) - 1;
    return example;
  };
  std::vector<int32_t> question(70, 5);
  question[1] = 9;
  std::vector<data::Example> examples;
  for (const int32_t answer : {2, 4, 6}) {
    examples.push_back(tokens(question));
    examples.back().tokens.insert(examples.back().tokens.end(), {answer, 1});
    examples.back() = tokens(examples.back().tokens);
  }
  score_examples(model, pointers(examples));
  return model.tokens;
}

TEST(SharedScores, AQuestionIsRunOnce) {
  EXPECT_EQ(tokens_run("llama"), 70 + 3);
  EXPECT_EQ(tokens_run("qwen3_window"), 70 + 3);
  // 71 tokens turn by other angles than their beginning does: nothing can be shared.
  EXPECT_EQ(tokens_run("llama_dynamic"), 3 * 71);
}

}  // namespace
}  // namespace unlearn::scoring
