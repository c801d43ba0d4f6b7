// Row functions against numbers of an independent fp64 implementation, and their own backward
// against automatic differentiation through full logits.
#include <gtest/gtest.h>
#include <torch/autograd.h>

#include <limits>
#include <stdexcept>

#include "losses/rows.h"
#include "unlearn/scoring/token_logprob.h"

namespace unlearn::losses {
namespace {

using scoring::row_values;
using scoring::RowComparison;
using scoring::RowFunction;
using scoring::RowRequest;
using torch::Tensor;
using Rows = std::vector<std::vector<double>>;

Tensor matrix(const Rows& rows) {
  std::vector<Tensor> parts;
  for (const auto& row : rows) parts.push_back(torch::tensor(row, torch::kDouble));
  return torch::stack(parts);
}

// Three rows of logits over four tokens, the reference's, and the labels; an identity head makes
// hidden rows and logits the same thing.
struct FixtureB {
  Tensor z = matrix({{1.0, 0.0, -1.0, 0.5}, {0.2, 1.5, -0.3, 0.0}, {-0.4, 0.6, 0.9, -1.2}})
                 .set_requires_grad(true);
  RowComparison comparison{
      matrix({{0.8, 0.3, -0.5, 0.1}, {0.0, 1.0, 0.2, -0.6}, {0.1, 0.1, 1.1, -0.7}}),
      {torch::eye(4, torch::kDouble), {}},
      torch::tensor({0, 1, 2}, torch::kLong)};
  model::Head head{torch::eye(4, torch::kDouble), {}};
};

struct RowGolden {
  RowRequest request;
  double mean;    // over the three rows
  Rows gradient;  // the first rows of d(mean)/dz
};

RowRequest request_of(const RowFunction& function, double beta = 0, double margin = 0) {
  RowRequest request;
  request.function = &function;
  request.beta = beta;
  request.margin = margin;
  return request;
}

void check_function(const RowGolden& golden) {
  SCOPED_TRACE(golden.request.function->name);
  const FixtureB b;
  const Tensor mean = row_values(golden.request, b.z, b.head, b.comparison).mean();
  EXPECT_NEAR(mean.item<double>(), golden.mean, 1e-13 * std::max(1.0, std::abs(golden.mean)));
  const Tensor gradient = torch::autograd::grad({mean}, {b.z})[0];
  const Tensor wanted = matrix(golden.gradient);
  // The listed gradients carry 12 significant digits.
  EXPECT_TRUE(torch::allclose(gradient.narrow(0, 0, wanted.size(0)), wanted, 1e-10, 1e-13))
      << gradient;
}

TEST(GoldenRowValues, ForwardKl) {
  check_function({request_of(scoring::forward_kl()),
                  0.061501659751945,
                  {{0.0176843403624, -0.0269800697187, -0.0168570849397, 0.0261528142961},
                   {-0.00603948779762, 0.0355973970691, -0.0410062168184, 0.0114483075469},
                   {-0.0219705573577, 0.0511144717045, -0.0192719065681, -0.00987200777863}}});
}

TEST(GoldenRowValues, CrossEntropyUnlearning) {
  check_function({request_of(row_ceu()),
                  1.6960192827913,
                  {{0.157996948751, -0.0523758242613, -0.0192679889601, -0.08635313553}}});
}

TEST(GoldenRowValues, Undial) {
  check_function({request_of(row_undial(), 10),
                  1.8762774765019,
                  {{0.157985948253, -0.0888398200715, -0.0446524624863, -0.0244936656954}}});
  check_function({request_of(row_undial(), 3),
                  1.8221344328241,
                  {{0.146354403497, -0.0837114080337, -0.0423481184178, -0.0202948770456}}});
}

TEST(GoldenRowValues, MaxMinusMean) {
  check_function({request_of(row_max_minus_mean()),
                  0.98125,
                  {{0.4375, -0.145833333333333, -0.145833333333333, -0.145833333333333}}});
}

// One sequence of three positions: the mean over B T V is the mean of the rows' means.
TEST(GoldenRowValues, MuseRawLogits) {
  check_function({request_of(row_raw_npo(), 0.1),
                  13.859255639842,
                  {{0.08416663889, 0.0820834270749, 0.0812504339193, 0.0849997778133}}});
  const FixtureB b;
  const auto value = [&](const RowRequest& request) {
    return row_values(request, b.z, b.head, b.comparison);
  };
  EXPECT_NEAR(value(request_of(row_raw_simnpo(), 0.7)).mean().item<double>(), 2.2355081843182,
              1e-12);
  EXPECT_NEAR(value(request_of(row_raw_simnpo(), 0.7, 0.07)).mean().item<double>(), 2.3421035532597,
              1e-12);
  EXPECT_NEAR(value(request_of(row_raw_kl())).sum().item<double>(), -0.6075542409205, 1e-12);
}

// The same functions written over full logits, for automatic differentiation.
Tensor over_full_logits(const RowRequest& request, const Tensor& z, const Tensor& reference,
                        const Tensor& targets) {
  const std::string name = request.function->name;
  const Tensor at = targets.unsqueeze(1);
  const Tensor logp = z.log_softmax(1);
  if (name == "forward_kl") {
    return (reference.softmax(1) * (reference.log_softmax(1) - logp)).sum(1);
  }
  if (name == "ceu") {
    Tensor masked = z.detach().clone();
    masked.scatter_(1, at, -std::numeric_limits<double>::infinity());
    return -(masked.softmax(1) * logp).sum(1);
  }
  if (name == "undial") {
    const Tensor one_hot = torch::zeros_like(reference).scatter(1, at, 1.0);
    return -((reference - request.beta * one_hot).softmax(1) * logp).sum(1);
  }
  if (name == "max_minus_mean") return (std::get<0>(z.max(1)) - z.mean(1)).pow(2);
  if (name == "raw_npo") {
    return -2 / request.beta * torch::log_sigmoid(request.beta * (reference - z)).mean(1);
  }
  if (name == "raw_simnpo") {
    return -2 / request.beta * torch::log_sigmoid(-request.beta * z - request.margin).mean(1);
  }
  if (name == "raw_kl") return (reference.exp() * (reference - z)).sum(1);
  throw std::logic_error("no formula of the row function " + name + " is given here");
}

// Every registered function.
class RowGradients : public testing::TestWithParam<std::tuple<const RowFunction*, double>> {};

// In small chunks, some or none of them kept, with scale, bias and (with the second parameter above
// 0) soft-capping.
TEST_P(RowGradients, EqualFullLogitsAutograd) {
  const auto [function, softcap] = GetParam();
  torch::manual_seed(5);
  const auto fp64 = torch::dtype(torch::kDouble);
  const Tensor rows = torch::randn({11, 6}, fp64).set_requires_grad(true);
  const Tensor weight = torch::randn({37, 6}, fp64).set_requires_grad(true);
  const Tensor bias = torch::randn({37}, fp64).set_requires_grad(true);
  const model::Head head{weight, bias, 0.7, softcap};
  RowComparison comparison{torch::randn({11, 5}, fp64),
                           {torch::randn({37, 5}, fp64), {}, 1.3, softcap},
                           torch::randint(37, {11}, torch::kLong)};
  const RowRequest request = request_of(*function, 0.8, 0.3);
  const Tensor upstream = torch::randn({11}, fp64);
  const auto cap = [&, cap_at = softcap](const Tensor& z) {
    return cap_at > 0 ? cap_at * torch::tanh(z / cap_at) : z;
  };

  const Tensor reference =
      cap(1.3 * comparison.reference_rows.matmul(comparison.reference_head.weight.t()));
  const Tensor full = over_full_logits(request, cap(0.7 * (rows.matmul(weight.t()) + bias)),
                                       reference, comparison.targets);
  const auto wanted = torch::autograd::grad({(full * upstream).sum()}, {rows, weight, bias});
  constexpr int64_t kRowBytes = 37 * 8;
  for (const int64_t stored : {0, 4, 11}) {
    const Tensor values =
        row_values(request, rows, head, comparison,
                   {.chunk_bytes = 6 * kRowBytes, .store_bytes = stored * kRowBytes});
    EXPECT_LE((values - full).abs().max().item<double>(), 1e-12 * full.abs().max().item<double>());
    const auto own = torch::autograd::grad({(values * upstream).sum()}, {rows, weight, bias});
    for (size_t i = 0; i < own.size(); ++i) {
      EXPECT_LE((own[i] - wanted[i]).abs().max().item<double>(),
                1e-12 * std::max(1.0, wanted[i].abs().max().item<double>()))
          << i << ", " << stored << " rows stored";
    }
  }
}

// fp32 and bf16 go through other code (the CPU's row kernels, gradients narrowed per chunk): held
// against fp64 on the same numbers.
TEST_P(RowGradients, OfNarrowRowsFollowFp64) {
  const auto [function, softcap] = GetParam();
  const RowRequest request = request_of(*function, 0.8, 0.3);
  const auto run = [&, cap = softcap](torch::Dtype dtype, int64_t stored) {
    torch::manual_seed(6);
    const auto random = [&](torch::IntArrayRef sizes) {
      return torch::randn(sizes).to(torch::kBFloat16).to(dtype);
    };
    const Tensor rows = random({11, 6}).set_requires_grad(true);
    const Tensor weight = random({370, 6}).set_requires_grad(true);
    const model::Head head{weight, {}, 0.5, cap};
    const RowComparison comparison{random({11, 5}),
                                   {random({370, 5}), {}, 1.25, cap},
                                   torch::randint(370, {11}, torch::kLong)};
    const Tensor upstream = random({11}).to(dtype == torch::kDouble ? dtype : torch::kFloat);
    constexpr int64_t kRowBytes = 370 * 4;
    const Tensor values =
        row_values(request, rows, head, comparison,
                   {.chunk_bytes = 6 * kRowBytes, .store_bytes = stored * kRowBytes});
    auto result = torch::autograd::grad({(values * upstream).sum()}, {rows, weight});
    result.push_back(values.detach());
    for (Tensor& tensor : result) tensor = tensor.to(torch::kDouble);
    return result;
  };
  const auto wanted = run(torch::kDouble, 0);
  for (const auto& [dtype, tolerance] :
       {std::pair{torch::kFloat, 1e-5}, std::pair{torch::kBFloat16, 3e-2}}) {
    for (const int64_t stored : {0, 4, 11}) {
      const auto own = run(dtype, stored);
      for (size_t i = 0; i < own.size(); ++i) {
        EXPECT_LE((own[i] - wanted[i]).norm().item<double>(),
                  tolerance * wanted[i].norm().item<double>())
            << i << ", " << stored << " rows stored, " << dtype;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Functions, RowGradients,
                         testing::Combine(testing::ValuesIn(row_functions()),
                                          testing::Values(0.0, 3.0)),
                         [](const auto& parameters) {
                           return std::string(std::get<0>(parameters.param)->name) +
                                  (std::get<1>(parameters.param) > 0 ? "_capped" : "");
                         });

TEST(RowValues, NoRowsIsAnEmptyDifferentiableTensor) {
  const FixtureB b;
  const Tensor none =
      row_values(request_of(row_max_minus_mean()), b.z.narrow(0, 0, 0), b.head, b.comparison);
  EXPECT_EQ(none.numel(), 0);
  EXPECT_NO_THROW(none.sum().backward());
}

}  // namespace
}  // namespace unlearn::losses
