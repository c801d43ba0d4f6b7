// Row functions against scripts/goldens/row_values.py, and their own backward against automatic
// differentiation through full logits.
#include <gtest/gtest.h>
#include <torch/autograd.h>

#include <limits>
#include <set>
#include <stdexcept>

#include "losses/rows.h"
#include "unlearn/core/json.h"
#include "unlearn/scoring/generate.h"
#include "unlearn/scoring/token_logprob.h"

namespace unlearn::losses {
namespace {

using scoring::row_values;
using scoring::RowComparison;
using scoring::RowFunction;
using scoring::RowRequest;
using torch::Tensor;

// Written by scripts/goldens/row_values.py with PyTorch autograd in fp64.
const Json& golden_rows() {
  static const Json values =
      read_json(std::string(UNLEARN_TEST_DIR) + "/golden/scoring/row_values.json");
  return values;
}

Tensor matrix(const Json& rows) {
  std::vector<Tensor> parts;
  for (const Json& row : rows) {
    parts.push_back(torch::tensor(row.get<std::vector<double>>(), torch::kDouble));
  }
  return torch::stack(parts);
}

// Rows of logits, the reference's, and the labels; an identity head makes hidden rows and logits
// the same thing.
struct FixtureB {
  Tensor z = matrix(golden_rows().at("logits")).set_requires_grad(true);
  RowComparison comparison{
      matrix(golden_rows().at("reference")),
      {torch::eye(4, torch::kDouble), {}},
      torch::tensor(golden_rows().at("labels").get<std::vector<int64_t>>(), torch::kLong)};
  model::Head head{torch::eye(4, torch::kDouble), {}};
};

RowRequest request_of(const RowFunction& function, double beta = 0, double margin = 0) {
  RowRequest request;
  request.function = &function;
  request.beta = beta;
  request.margin = margin;
  return request;
}

const RowFunction& function_named(const std::string& name) {
  for (const RowFunction* function : row_functions()) {
    if (function->name == name) return *function;
  }
  throw std::invalid_argument(name);
}

bool equals(const Tensor& found, const Tensor& wanted) {
  return torch::allclose(found, wanted, 1e-12, 1e-14);
}

TEST(GoldenRowValues, ValuesAndGradients) {
  std::set<std::string> seen;
  for (const Json& golden : golden_rows().at("cases")) {
    SCOPED_TRACE(golden.dump());
    const auto name = golden.at("function").get<std::string>();
    seen.insert(name);
    const RowRequest request =
        request_of(function_named(name), golden.at("beta"), golden.at("margin"));
    const FixtureB b;
    const Tensor values = row_values(request, b.z, b.head, b.comparison);
    const auto wanted = golden.at("values").get<std::vector<double>>();
    EXPECT_TRUE(equals(values, torch::tensor(wanted, torch::kDouble))) << values;
    const Tensor gradient = torch::autograd::grad({values.mean()}, {b.z})[0];
    EXPECT_TRUE(equals(gradient, matrix(golden.at("gradient")))) << gradient;
  }
  EXPECT_EQ(seen.size(), row_functions().size());
}

TEST(GoldenRowValues, WhosHarryPotter) {
  const FixtureB b;
  const Json& whp = golden_rows().at("whp");
  EXPECT_TRUE(equals(scoring::whp_logits(b.z, b.comparison.reference_rows, whp.at("alpha")),
                     matrix(whp.at("logits"))));
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
