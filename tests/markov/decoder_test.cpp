// The decoder, its training and its unlearning against an independent PyTorch program
// (scripts/goldens/markov.py), in fp64.
#include "unlearn/markov/decoder.h"

#include <gtest/gtest.h>

#include <cmath>

#include "unlearn/core/strings.h"
#include "unlearn/markov/study.h"
#include "unlearn/scoring/token_logprob.h"

namespace unlearn::markov {
namespace {

const char* const kSetNames[] = {"retain", "forget1", "forget2"};

class GoldenDecoder : public testing::Test {
 protected:
  GoldenDecoder() : golden_(read_json(UNLEARN_TEST_DIR "/golden/markov/decoder.json")) {
    const Json& options = golden_.at("options");
    leakage_ = options.at("leakage").get<double>();
    lr_ = options.at("lr").get<double>();
    decoder_ =
        make_decoder({options.at("width").get<int64_t>(), options.at("blocks").get<int64_t>(),
                      options.at("positions").get<int64_t>()},
                     1);
    decoder_->to(torch::kDouble);
    const torch::NoGradGuard no_grad;
    for (auto& item : decoder_->named_parameters()) {
      item.value().copy_(expected(golden_.at("weights"), item.key(), item.value()));
    }
    for (size_t i = 0; i < kNumSources; ++i) sets_[i] = read_set(i);
  }

  static torch::Tensor expected(const Json& values, const std::string& name,
                                const torch::Tensor& like) {
    return torch::tensor(values.at(name).get<std::vector<double>>(), torch::kDouble).view_as(like);
  }

  SequenceSet read_set(size_t source) const {
    const auto rows =
        golden_.at("sets").at(kSetNames[source]).get<std::vector<std::vector<int64_t>>>();
    std::vector<SequenceSet> sets;
    for (const auto& row : rows) {
      const auto length = static_cast<int64_t>(row.size());
      sets.push_back({torch::tensor(row, torch::kInt64).view({1, -1}),
                      torch::full({1}, length, torch::kInt64),
                      torch::full({1}, static_cast<int64_t>(source), torch::kInt64)});
    }
    return concatenate(sets);
  }

  SequenceSet everything() const { return concatenate({sets_[0], sets_[1], sets_[2]}); }

  static void expect_distances(const Distances& got, const Json& want, const std::string& where) {
    EXPECT_NEAR(got.retain, want.at("retain").get<double>(), 1e-10) << where;
    EXPECT_NEAR(got.forget, want.at("forget").get<double>(), 1e-10) << where;
    EXPECT_NEAR(got.forget1, want.at("forget1").get<double>(), 1e-10) << where;
    EXPECT_NEAR(got.forget2, want.at("forget2").get<double>(), 1e-10) << where;
  }

  void expect_parameters(const Json& want,
                         const std::function<torch::Tensor(torch::Tensor)>& read) {
    for (const auto& item : decoder_->named_parameters()) {
      const torch::Tensor got = read(item.value());
      const double error = (got - expected(want, item.key(), got)).abs().max().item<double>();
      EXPECT_LT(error, 1e-10) << item.key();
    }
  }

  Json golden_;
  double leakage_ = 0, lr_ = 0;
  std::shared_ptr<Decoder> decoder_;
  std::array<SequenceSet, kNumSources> sets_;
};

TEST_F(GoldenDecoder, LogitsAtEveryTransition) {
  const Transitions at = run_decoder(*decoder_, everything());
  std::vector<double> values;
  for (const Json& sequence : golden_.at("logits")) {
    for (const Json& row : sequence) {
      for (const double value : row.get<std::vector<double>>()) values.push_back(value);
    }
  }
  const auto want = torch::tensor(values, torch::kDouble).view({-1, kStates});
  const auto got = scoring::logits(at.hidden, decoder_->head());
  ASSERT_EQ(got.sizes(), want.sizes());
  EXPECT_LT((got - want).abs().max().item<double>(), 1e-12);
}

TEST_F(GoldenDecoder, CrossEntropyAndItsGradients) {
  const Transitions at = run_decoder(*decoder_, everything());
  const auto loss = -scoring::token_logprob(at.hidden, decoder_->head(), at.to).mean();
  EXPECT_NEAR(loss.item<double>(), golden_.at("cross_entropy").get<double>(), 1e-12);
  loss.backward();
  expect_parameters(golden_.at("gradients"), [](const torch::Tensor& p) { return p.grad(); });
}

TEST_F(GoldenDecoder, DistancesToTheChains) {
  expect_distances(measure(*decoder_, sets_, leakage_), golden_.at("distances"), "start");
}

// One batch holds everything, so the order drawn for it changes nothing.
TEST_F(GoldenDecoder, PretrainingWithTheFormerHfAdamW) {
  const SequenceSet all = everything();
  const double loss = pretrain(
      *decoder_, all, {golden_.at("options").at("epochs").get<int64_t>(), all.size(), lr_}, 9);
  EXPECT_NEAR(loss, golden_.at("pretrain").at("last_loss").get<double>(), 1e-11);
  expect_parameters(golden_.at("pretrain").at("weights"),
                    [](const torch::Tensor& p) { return p.detach(); });
}

TEST_F(GoldenDecoder, UnlearningPaths) {
  const SequenceSet forget = concatenate({sets_[1], sets_[2]});
  const UnlearnOptions options{golden_.at("options").at("iterations").get<int64_t>(), forget.size(),
                               lr_};
  const auto evaluate = [&](const Decoder& decoder) { return measure(decoder, sets_, leakage_); };
  for (const char* method : {"npo", "simnpo"}) {
    config::Settings settings;
    settings.assign(cat("method.", method, ".beta=", golden_.at("betas").at(method).dump()),
                    "test");
    settings.assign(cat("unlearn.methods=[", method, "]"), "test");
    const Study study = resolve_study(Experiment::kLength, settings);
    const Path path = unlearn_path(*decoder_, *study.losses[0], forget, options, 9, evaluate);
    const Json& want = golden_.at("paths").at(method);
    ASSERT_EQ(path.size(), want.size());
    for (size_t i = 0; i < path.size(); ++i) expect_distances(path[i], want[i], cat(method, i));
  }
  // Unlearning worked on copies.
  expect_parameters(golden_.at("weights"), [](const torch::Tensor& p) { return p.detach(); });
}

// The paper's text: a GPT-2. Against transformers' own.
TEST_F(GoldenDecoder, Gpt2LogitsAndGradients) {
  const Json& golden = golden_.at("gpt2");
  const Json& options = golden.at("options");
  decoder_ = make_decoder({.width = options.at("width"),
                           .blocks = options.at("blocks"),
                           .positions = options.at("positions"),
                           .arch = Architecture::kGpt2,
                           .heads = options.at("heads")},
                          1);
  decoder_->to(torch::kDouble);
  {
    const torch::NoGradGuard no_grad;
    for (auto& item : decoder_->named_parameters()) {
      item.value().copy_(expected(golden.at("weights"), item.key(), item.value()));
    }
  }
  const std::shared_ptr<Decoder> other = decoder_->copy();
  const Transitions at = run_decoder(*decoder_, everything());
  const auto want = torch::tensor(golden.at("logits").get<std::vector<double>>(), torch::kDouble);
  const auto got = scoring::logits(at.hidden, decoder_->head());
  EXPECT_LT((got.flatten() - want).abs().max().item<double>(), 1e-12);
  const auto loss = -scoring::token_logprob(at.hidden, decoder_->head(), at.to).mean();
  EXPECT_NEAR(loss.item<double>(), golden.at("cross_entropy").get<double>(), 1e-12);
  loss.backward();
  expect_parameters(golden.at("gradients"), [](const torch::Tensor& p) { return p.grad(); });
  EXPECT_TRUE(torch::equal(run_decoder(*other, everything()).hidden, at.hidden));
  other->parameters().front().detach().zero_();
  EXPECT_TRUE(torch::equal(run_decoder(*decoder_, everything()).hidden, at.hidden));
}

// KL(home row || uniform), from the specification.
TEST(GoldenEvaluate, AUniformModel) {
  const auto decoder = make_decoder({4, 1, 19}, 1);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : decoder->parameters()) parameter.zero_();
  SequenceSet at_home{torch::tensor({{0, 1, 2, 0, 1}}, torch::kInt64),
                      torch::full({1}, 5, torch::kInt64), torch::zeros({1}, torch::kInt64)};
  EXPECT_NEAR(transition_kl(*decoder, at_home, 0.2).mean(), 0.53411080871, 1e-8);
  // Two of the four transitions start away from home, where the chain is uniform itself.
  at_home.states = torch::tensor({{0, 5, 2, 9, 1}}, torch::kInt64);
  EXPECT_NEAR(transition_kl(*decoder, at_home, 0.2).mean(), 0.53411080871 / 2, 1e-8);
}

TEST(Decoder, StartsAsDocumented) {
  const auto named = make_decoder({128, 4, 19}, 7)->named_parameters();
  EXPECT_NEAR(named["tokens"].std().item<double>(), 1.0, 0.1);
  EXPECT_NEAR(named["positions"].std().item<double>(), 0.02, 0.002);
  const double bound = 1.0 / std::sqrt(128.0);
  for (const char* name : {"block0_qkv", "block3_up_weight", "output_weight", "block1_down_bias"}) {
    const double largest = named[name].abs().max().item<double>();
    EXPECT_LE(largest, bound) << name;
    EXPECT_GT(largest, 0.9 * bound) << name;
  }
  const auto first_block = [](uint64_t seed) {
    return make_decoder({128, 4, 19}, seed)->named_parameters()["block0_qkv"];
  };
  EXPECT_TRUE(torch::equal(named["block0_qkv"], first_block(7)));
  EXPECT_FALSE(torch::equal(named["block0_qkv"], first_block(8)));
}

}  // namespace
}  // namespace unlearn::markov
