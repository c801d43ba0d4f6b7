// The optimizer and the scoring functions on a GPU. Skipped where there is none.
#include <gtest/gtest.h>

#include "test_gpu.h"
#include "train/started_optimizer.h"
#include "unlearn/runtime/device.h"
#include "unlearn/scoring/token_logprob.h"
#include "unlearn/train/optimizer.h"

namespace unlearn::train {
namespace {

using kernels::Master;

class GpuTest : public ::testing::TestWithParam<torch::Dtype> {
 protected:
  void SetUp() override {
    UNLEARN_NEEDS_GPU();
    torch::manual_seed(21);
    device_ = torch::Device(torch::kCUDA, 0);
  }
  torch::Tensor random(torch::IntArrayRef sizes) const {
    return torch::randn(sizes).to(GetParam());
  }

  torch::Device device_ = torch::kCPU;
};

// Every mode of the optimizer: weights and state are the CPU's bits.
TEST_P(GpuTest, AdamWIsBitEqual) {
  for (const Master master : {Master::kSplit, Master::kStochastic, Master::kRounded}) {
    for (const int64_t bits : {32, 16, 8}) {
      const OptimizerOptions options{.master = master, .state_bits = bits, .seed = 3};
      const torch::Tensor start = random({70001}), small = random({9});
      const auto run = [&](torch::Device device) {
        torch::manual_seed(5);
        NamedTensors parameters;
        for (const auto& [name, value] : {std::pair{"w", start}, std::pair{"b", small}}) {
          parameters.emplace_back(name, value.to(device).clone().set_requires_grad(true));
        }
        const auto optimizer = start_default_optimizer(
            parameters, options, [](const std::string& name) { return name == "w"; });
        for (int i = 0; i < 5; ++i) {
          for (auto& [name, tensor] : parameters) {
            tensor.mutable_grad() = random(tensor.sizes()).to(device);
          }
          optimizer->step(1e-3, 0.9);
        }
        NamedTensors result;
        for (const auto& part : optimizer->state()) result.emplace_back(part.name, part.own);
        result.insert(result.end(), parameters.begin(), parameters.end());
        return result;
      };
      const NamedTensors gpu = run(device_), twin = run(torch::kCPU);
      for (size_t i = 0; i < gpu.size(); ++i) {
        EXPECT_TRUE(gpu[i].second.detach().cpu().equal(twin[i].second.detach()))
            << gpu[i].first << ", " << bits << " bits";
      }
    }
  }
}

// The scoring functions with our kernels on the device, against fp64 on the CPU.
TEST_P(GpuTest, ScoringAndItsGradients) {
  const int64_t rows = 70, width = 64, vocabulary = 1111;
  const torch::Tensor hidden = random({rows, width}), weight = random({vocabulary, width}) * 0.3,
                      before = random({rows, width}), g = torch::randn({rows}),
                      targets = torch::randint(0, vocabulary, {rows}), old = weight * 0.9;
  // Everything kept; a part kept; nothing kept, in chunks.
  const int64_t row_bytes = vocabulary * 4;
  for (const int64_t kept : {rows, rows / 2, int64_t{0}}) {
    const scoring::LogitsOptions options{9 * row_bytes, kept * row_bytes};
    const auto run = [&](torch::Device device, torch::Dtype dtype) {
      const auto leaf = [&](const torch::Tensor& x) {
        return x.to(device, dtype).clone().set_requires_grad(true);
      };
      const torch::Tensor h = leaf(hidden), w = leaf(weight);
      const model::Head head{.weight = w, .bias = {}};
      const torch::Tensor logp = scoring::token_logprob(h, head, targets.to(device), options);
      scoring::RowRequest kl;
      kl.function = &scoring::forward_kl();
      const torch::Tensor divergence = scoring::row_values(
          kl, h, head,
          {before.to(device, dtype), {.weight = old.to(device, dtype), .bias = {}}, {}}, options);
      const torch::Tensor weights = g.to(device, logp.scalar_type());
      ((logp + divergence) * weights).sum().backward();
      return std::vector<torch::Tensor>{logp.detach(), divergence.detach(), h.grad(), w.grad()};
    };
    const auto gpu = run(device_, GetParam()), oracle = run(torch::kCPU, torch::kFloat64);
    const double bound = GetParam() == torch::kBFloat16 ? 1e-2 : 1e-5;
    for (size_t i = 0; i < gpu.size(); ++i) {
      const torch::Tensor got = gpu[i].cpu().to(torch::kDouble);
      EXPECT_LT((got - oracle[i]).norm().item<double>(), bound * oracle[i].norm().item<double>())
          << i << ", " << kept << " rows kept";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, GpuTest, ::testing::Values(torch::kFloat32, torch::kBFloat16));

}  // namespace
}  // namespace unlearn::train
