// The chunked gather with its own backward against autograd over full logits, in fp64.
#include "unlearn/scoring/token_logprob.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

namespace unlearn::scoring {
namespace {

using torch::Tensor;

constexpr int64_t kRows = 37, kHidden = 11, kTokens = 101;
constexpr double kTolerance = 1e-12;

struct Kind {
  const char* name;
  bool bias;
  double scale, softcap;
};

constexpr Kind kKinds[] = {{"plain", false, 1.0, 0.0},
                           {"bias", true, 1.0, 0.0},
                           {"scaled", false, 0.25, 0.0},
                           {"softcap", true, 0.5, 3.0}};

// Logits of one row, of three, of some rows left over, of all; none, some or all kept for the
// backward pass.
std::vector<LogitsOptions> budgets() {
  std::vector<LogitsOptions> out;
  for (const int64_t rows : {1, 3, 10, 1000}) {
    for (const int64_t stored : {0, 17, 1000}) {
      out.push_back({rows * kTokens * 8, stored * kTokens * 8});
    }
  }
  return out;
}

Tensor random(std::vector<int64_t> shape) { return torch::randn(shape, torch::kDouble); }

model::Head make_head(const Kind& kind) {
  model::Head head;
  head.weight = random({kTokens, kHidden}).set_requires_grad(true);
  if (kind.bias) head.bias = random({kTokens}).set_requires_grad(true);
  head.scale = kind.scale;
  head.softcap = kind.softcap;
  return head;
}

Tensor full_log_softmax(const Tensor& rows, const model::Head& head) {
  Tensor z = torch::matmul(rows, head.weight.t());
  if (head.bias.defined()) z = z + head.bias;
  z = z * head.scale;
  if (head.softcap > 0) z = head.softcap * torch::tanh(z / head.softcap);
  return torch::log_softmax(z, -1);
}

std::vector<Tensor> leaves(const Tensor& rows, const model::Head& head) {
  std::vector<Tensor> out = {rows, head.weight};
  if (head.bias.defined()) out.push_back(head.bias);
  return out;
}

void expect_equal(const std::vector<Tensor>& got, const std::vector<Tensor>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_GT(want[i].abs().max().item<double>(), 1e-3);
    EXPECT_LE((got[i] - want[i]).abs().max().item<double>(), kTolerance) << "tensor " << i;
  }
}

class ChunkedLogits : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    torch::manual_seed(3);
    head_ = make_head(GetParam());
    rows_ = random({kRows, kHidden}).set_requires_grad(true);
    targets_ = torch::randint(kTokens, {kRows}, torch::kLong);
    weights_ = random({kRows});  // another upstream gradient for every row
  }
  model::Head head_;
  Tensor rows_, targets_, weights_;
};

TEST_P(ChunkedLogits, LogProbabilitiesAndGradients) {
  const Tensor full = full_log_softmax(rows_, head_).gather(1, targets_.unsqueeze(1)).squeeze(1);
  const auto want = torch::autograd::grad({(full * weights_).sum()}, leaves(rows_, head_));
  for (const LogitsOptions& options : budgets()) {
    const Tensor logp = token_logprob(rows_, head_, targets_, options);
    EXPECT_EQ(logp.scalar_type(), torch::kDouble);
    EXPECT_LE((logp - full).abs().max().item<double>(), kTolerance);
    expect_equal(torch::autograd::grad({(logp * weights_).sum()}, leaves(rows_, head_)), want);
  }
}

TEST_P(ChunkedLogits, ForwardKlAndGradients) {
  const model::Head reference_head = make_head(GetParam());
  const Tensor reference_rows = random({kRows, kHidden});
  const Tensor reference = full_log_softmax(reference_rows, reference_head).detach();
  const Tensor full = (reference.exp() * (reference - full_log_softmax(rows_, head_))).sum(1);
  const auto want = torch::autograd::grad({(full * weights_).sum()}, leaves(rows_, head_));
  for (const LogitsOptions& options : budgets()) {
    RowRequest request;
    request.function = &forward_kl();
    const Tensor kl =
        row_values(request, rows_, head_, {reference_rows, reference_head, targets_}, options);
    EXPECT_LE((kl - full).abs().max().item<double>(), kTolerance);
    expect_equal(torch::autograd::grad({(kl * weights_).sum()}, leaves(rows_, head_)), want);
  }
}

TEST_P(ChunkedLogits, RowStatistics) {
  const torch::NoGradGuard no_grad;
  const Tensor full = full_log_softmax(rows_, head_);
  const Tensor mean = (full.exp() * full).sum(1);
  const Tensor variance = (full.exp() * full * full).sum(1) - mean * mean;
  // Every third target is the most likely token.
  const Tensor targets =
      torch::where(torch::arange(kRows).remainder(3).eq(0), full.argmax(1), targets_);
  for (const LogitsOptions& options : budgets()) {
    const auto got = row_statistics(rows_, head_, {targets, {}}, true, options);
    const Tensor logp = full.gather(1, targets.unsqueeze(1)).squeeze(1);
    EXPECT_LE((got.logp - logp).abs().max().item<double>(), kTolerance);
    EXPECT_TRUE(torch::equal(got.argmax_matches.to(torch::kBool), full.argmax(1).eq(targets)));
    EXPECT_LE((got.mean_logp - mean).abs().max().item<double>(), 1e-11);
    EXPECT_LE((got.variance_logp - variance).abs().max().item<double>(), 1e-11);
  }
}

INSTANTIATE_TEST_SUITE_P(Heads, ChunkedLogits, testing::ValuesIn(kKinds),
                         [](const auto& kind) { return std::string(kind.param.name); });

TEST(TokenLogprob, AFrozenHeadAndFrozenRows) {
  torch::manual_seed(4);
  model::Head head = make_head(kKinds[0]);
  const Tensor rows = random({5, kHidden}).set_requires_grad(true);
  const Tensor targets = torch::tensor({0, 1, 2, 3, 100}, torch::kLong);
  const auto want = torch::autograd::grad({token_logprob(rows, head, targets).sum()}, {rows})[0];
  head.weight = head.weight.detach();
  EXPECT_TRUE(
      torch::allclose(torch::autograd::grad({token_logprob(rows, head, targets).sum()}, {rows})[0],
                      want, 0, 1e-14));
  EXPECT_FALSE(token_logprob(rows.detach(), head, targets).requires_grad());
}

TEST(TokenLogprob, NarrowRowsAreScoredInFp32) {
  torch::manual_seed(5);
  model::Head head;
  head.weight = random({kTokens, kHidden}).to(torch::kBFloat16);
  const Tensor rows = random({9, kHidden}).to(torch::kBFloat16);
  const Tensor targets = torch::arange(9);
  const Tensor logp = token_logprob(rows, head, targets);
  EXPECT_EQ(logp.scalar_type(), torch::kFloat32);
  model::Head wide;
  wide.weight = head.weight.to(torch::kDouble);
  const Tensor exact = token_logprob(rows.to(torch::kDouble), wide, targets);
  // bf16 logits have 8 bits; the log-sum-exp over them must not lose more.
  EXPECT_LE((logp - exact).abs().max().item<double>(), 0.1);
}

TEST(TokenLogprob, HugeLogitsStayFinite) {
  model::Head head;
  head.weight = torch::tensor({{1e4}, {-1e4}}, torch::kFloat32);
  const Tensor logp = token_logprob(torch::ones({2, 1}), head, torch::tensor({0, 1}, torch::kLong));
  EXPECT_FLOAT_EQ(logp[0].item<float>(), 0.0F);
  EXPECT_FLOAT_EQ(logp[1].item<float>(), -2e4F);
}

}  // namespace
}  // namespace unlearn::scoring
