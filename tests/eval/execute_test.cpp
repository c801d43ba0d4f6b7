#include "unlearn/eval/execute.h"

#include <gtest/gtest.h>

#include <fstream>

#include "unlearn/core/files.h"
#include "unlearn/eval/request_counts.h"
#include "unlearn/scoring/generate.h"

namespace unlearn::eval {
namespace {
namespace fs = std::filesystem;

const fs::path kModel = fs::path(UNLEARN_SOURCE_DIR) / "data/tiny";

data::Example example(std::vector<int32_t> tokens) {
  data::Example result;
  result.labels = tokens;
  result.labels.front() = data::kIgnored;
  result.num_labels = static_cast<int64_t>(tokens.size()) - 1;
  result.tokens = std::move(tokens);
  return result;
}

class Execution : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) /
              (std::string("unlearn_execute_") +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    options_.tokenizer = tokenizer_.get();
    options_.cache = folder_;
    options_.batch_tokens = 20;
    options_.generation_tokens = 40;
    for (int32_t i = 0; i < 8; ++i) {
      plan_.score(example({5, 6 + i, 7, 300 + i}), /*moments=*/i % 2 == 0);
      plan_.generate({40 + i, 50, 60}, {10, 0, {}});
      plan_.choose({70 + i, 71}, {1, 2, 3, 4});
    }
    plan_.gradient_norm(example({5, 6, 7}));
  }

  // Counts how often the model is asked for; throws on the ask after `limit`.
  ModelProvider provider(int64_t limit = 1000) {
    return [this, limit]() -> model::CausalLM& {
      if (asked_ == limit) throw std::runtime_error("killed");
      ++asked_;
      return *model_;
    };
  }

  static void expect_same(const Results& a, const Results& b) {
    ASSERT_EQ(a.of<ScoreRequest>().size(), b.of<ScoreRequest>().size());
    for (size_t i = 0; i < a.of<ScoreRequest>().size(); ++i) {
      EXPECT_EQ(a.of<ScoreRequest>()[i].logp, b.of<ScoreRequest>()[i].logp);
      EXPECT_EQ(a.of<ScoreRequest>()[i].argmax_matches, b.of<ScoreRequest>()[i].argmax_matches);
      EXPECT_EQ(a.of<ScoreRequest>()[i].mean_logp, b.of<ScoreRequest>()[i].mean_logp);
      EXPECT_EQ(a.of<ScoreRequest>()[i].variance_logp, b.of<ScoreRequest>()[i].variance_logp);
    }
    EXPECT_EQ(a.of<GenerationRequest>(), b.of<GenerationRequest>());
    EXPECT_EQ(a.of<ChoiceRequest>(), b.of<ChoiceRequest>());
    EXPECT_EQ(a.of<GradientRequest>(), b.of<GradientRequest>());
  }

  fs::path folder_;
  std::unique_ptr<tokenizer::Tokenizer> tokenizer_ = tokenizer::load_tokenizer(kModel);
  std::shared_ptr<model::CausalLM> model_ = model::load_model(kModel, torch::kFloat32, torch::kCPU);
  ExecuteOptions options_;
  Plan plan_;
  int64_t asked_ = 0;
};

TEST_F(Execution, ASecondRunNeedsNoModel) {
  const RequestCounts before = request_counts();
  const Results first = execute(plan_, provider(), options_);
  EXPECT_GT(asked_, 0);
  const RequestCounts between = request_counts();
  const Results second = execute(plan_, provider(asked_), options_);
  expect_same(first, second);
  const RequestCounts after = request_counts();
  constexpr int64_t kRequests = 3 * 8 + 1;
  EXPECT_EQ(between.asked - before.asked, kRequests);
  EXPECT_EQ(between.run - before.run, kRequests);
  EXPECT_EQ(after.asked - between.asked, kRequests);
  EXPECT_EQ(after.run, between.run);
}

// Killed after any batch, an evaluation goes on where it was and ends with the same
// numbers.
TEST_F(Execution, ResumesAfterEveryBatch) {
  int64_t units = 0;
  ExecuteOptions uncached = options_;
  uncached.cache.clear();
  uncached.progress = [&](const std::string&, int64_t, int64_t) { ++units; };
  const Results whole = execute(plan_, provider(), uncached);
  ASSERT_GE(units, 6);
  ExecuteOptions killed = options_;
  killed.progress = [](const std::string&, int64_t, int64_t) {
    throw std::runtime_error("killed");
  };
  for (int64_t done = 1; done < units; ++done) {
    EXPECT_THROW(execute(plan_, provider(), killed), std::runtime_error) << done;
  }
  ExecuteOptions last = options_;
  int64_t left = 0;
  last.progress = [&](const std::string&, int64_t, int64_t) { ++left; };
  expect_same(whole, execute(plan_, provider(1), last));
  EXPECT_EQ(left, 1);
}

// Whatever part of the results is there already, the others come out of the same batches.
TEST_F(Execution, WhatIsKeptChangesNoBit) {
  options_.batch_tokens = 64;
  options_.generation_tokens = 60;
  ExecuteOptions uncached = options_;
  uncached.cache.clear();
  const Results whole = execute(plan_, provider(), uncached);
  execute(plan_, provider(), options_);
  const fs::path file = folder_ / "results.jsonl";
  const std::vector<std::string> lines = split(read_file(file), '\n');
  for (size_t period = 2; period < 6; ++period) {
    std::ofstream kept(file, std::ios::trunc);
    for (size_t i = 0; i < lines.size(); ++i) {
      if (i % period == 1) kept << lines[i] << '\n';
    }
    kept.close();
    expect_same(whole, execute(plan_, provider(), options_));
  }
}

// A kill in the middle of writing leaves half a line; everything before it is used.
TEST_F(Execution, HalfALineIsMadeAgain) {
  const Results first = execute(plan_, provider(), options_);
  const fs::path file = folder_ / "results.jsonl";
  const std::string content = read_file(file);
  std::ofstream(file, std::ios::trunc) << content.substr(0, content.size() - 9);
  asked_ = 0;
  expect_same(first, execute(plan_, provider(), options_));
  EXPECT_EQ(asked_, 1);
  asked_ = 0;
  expect_same(first, execute(plan_, provider(0), options_));
}

// What was kept without moments does not do where they are asked for.
TEST_F(Execution, MomentsAreComputedWhenTheCacheLacksThem) {
  Plan without, with;
  without.score(example({1, 2, 3}), false);
  with.score(example({1, 2, 3}), true);
  EXPECT_TRUE(execute(without, provider(), options_).of<ScoreRequest>()[0].mean_logp.empty());
  const Results results = execute(with, provider(), options_);
  EXPECT_EQ(results.of<ScoreRequest>()[0].mean_logp.size(), 2U);
}

// A model that says NaN must not leave it in the cache as a number.
TEST_F(Execution, NotANumberIsNotKept) {
  {
    torch::NoGradGuard no_grad;
    model_->parameters().front().fill_(std::numeric_limits<float>::quiet_NaN());
  }
  Plan plan;
  plan.score(example({1, 2, 3}));
  EXPECT_TRUE(std::isnan(execute(plan, provider(), options_).of<ScoreRequest>()[0].logp[0]));
  const int64_t before = asked_;
  EXPECT_TRUE(std::isnan(execute(plan, provider(), options_).of<ScoreRequest>()[0].logp[0]));
  EXPECT_GT(asked_, before);
}

// Four-way choices against the scores of the same tokens as labels.
TEST_F(Execution, ChoicesEqualScoredContinuations) {
  Plan plan;
  plan.choose({9, 8, 7}, {100, 200});
  plan.choose({9}, {300});
  data::Example last = example({9, 8, 7, 200});
  last.labels = {data::kIgnored, data::kIgnored, data::kIgnored, 200};
  last.num_labels = 1;
  plan.score(last);
  plan.score(example({9, 300}));
  const Results results = execute(plan, provider(), options_);
  EXPECT_NEAR(results.of<ChoiceRequest>()[0][1], results.of<ScoreRequest>()[0].logp[0], 1e-5);
  EXPECT_NEAR(results.of<ChoiceRequest>()[1][0], results.of<ScoreRequest>()[1].logp[0], 1e-5);
}

// A sampled output does not depend on the batch that its prompt happens to be in.
TEST_F(Execution, SamplingIsAFunctionOfThePrompt) {
  options_.cache.clear();
  options_.temperature = 1.5;
  options_.seed = 3;
  const Results small = execute(plan_, provider(), options_);
  options_.generation_tokens = 1000;
  EXPECT_EQ(execute(plan_, provider(), options_).of<GenerationRequest>(),
            small.of<GenerationRequest>());
  options_.seed = 4;
  EXPECT_NE(execute(plan_, provider(), options_).of<GenerationRequest>(),
            small.of<GenerationRequest>());
}

// Requests that are sampled whatever the evaluation does: each draw has a stream of its own.
TEST_F(Execution, SamplesBesideGreedyOutputs) {
  options_.cache.clear();
  Plan plan;
  const std::vector<int32_t> prompt = {40, 50, 60};
  const GenerationLimits limits{10, 0, {}};
  const GenerationId greedy = plan.generate(prompt, limits);
  std::vector<GenerationId> samples;
  for (int64_t draw = 0; draw < 4; ++draw) {
    samples.push_back(plan.generate(prompt, limits, Sampling{1.5, 1, draw}));
  }
  EXPECT_EQ(plan.generate(prompt, limits, Sampling{1.5, 1, 2}), samples[2]);
  EXPECT_EQ(plan.of<GenerationRequest>().size(), 5U);
  const Results results = execute(plan, provider(), options_);
  Plan alone;
  alone.generate(prompt, limits);
  EXPECT_EQ(results[greedy], execute(alone, provider(), options_).of<GenerationRequest>()[0]);
  for (size_t i = 1; i < samples.size(); ++i) {
    EXPECT_NE(results[samples[i]], results[samples[0]]) << i;
  }
  Plan third;
  third.generate(prompt, limits, Sampling{1.5, 1, 2});
  EXPECT_EQ(execute(third, provider(), options_).of<GenerationRequest>()[0], results[samples[2]]);
  options_.seed = 8;
  EXPECT_NE(execute(third, provider(), options_).of<GenerationRequest>()[0], results[samples[2]]);
}

// The model's own decoding rules reach its generations, and results without them are others.
TEST_F(Execution, GenerationsObeyTheRules) {
  const Results plain = execute(plan_, provider(), options_);
  scoring::GenerateOptions generate;
  generate.max_new_tokens = 10;
  generate.stop_ids = tokenizer_->special().stops;
  generate.rules.no_repeat_ngram_size = 1;
  generate.rules.applied["no_repeat_ngram_size"] = 1;
  options_.rules = generate.rules;
  const Results ruled = execute(plan_, provider(), options_);
  Results mixed = plain;
  mixed.of<GenerationRequest>() = ruled.of<GenerationRequest>();
  expect_same(mixed, ruled);
  EXPECT_NE(ruled.of<GenerationRequest>(), plain.of<GenerationRequest>());
  for (size_t i = 0; i < ruled.of<GenerationRequest>().size(); ++i) {
    const auto alone =
        scoring::generate(*model_, {plan_.of<GenerationRequest>()[i].prompt}, generate);
    EXPECT_EQ(ruled.of<GenerationRequest>()[i], alone.front());
  }
  expect_same(ruled, execute(plan_, provider(asked_), options_));  // from the cache
  options_.rules = {};
  expect_same(plain, execute(plan_, provider(asked_), options_));
}

// Outputs end with the token that completes a stop string, as one by one.
TEST_F(Execution, StopStringsEndAGeneration) {
  options_.cache.clear();
  const auto prompt =
      tokenizer_->encode("[INST] What does Rupert Ashgrove do for a living? [/INST]", true);
  Plan plain, stopped;
  plain.generate(prompt, {12, 0, {}});
  const auto all = execute(plain, provider(), options_).of<GenerationRequest>()[0];
  const std::string text = tokenizer_->decode(all, true);
  ASSERT_GT(text.size(), 6U);
  const std::string stop = text.substr(2, 3);
  stopped.generate(prompt, {12, 0, {stop}});
  const auto cut = execute(stopped, provider(), options_).of<GenerationRequest>()[0];
  ASSERT_LT(cut.size(), all.size());
  EXPECT_TRUE(std::equal(cut.begin(), cut.end(), all.begin()));
  EXPECT_NE(tokenizer_->decode(cut, true).find(stop), std::string::npos);
  EXPECT_EQ(tokenizer_->decode(std::span(cut).first(cut.size() - 1), true).find(stop),
            std::string::npos);
}

}  // namespace
}  // namespace unlearn::eval
