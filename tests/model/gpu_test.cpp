// Every family on CUDA against transformers' numbers: the plain form of attention in fp32,
// FlashAttention and our kernels in bf16.
#include <gtest/gtest.h>

#include "model/fixtures.h"
#include "test_gpu.h"
#include "unlearn/model/weight_format.h"

namespace unlearn::model {
namespace {

class GpuModel : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    UNLEARN_NEEDS_GPU();
    device_ = torch::Device(torch::kCUDA, 0);
  }
  torch::Tensor log_probs(CausalLM& model, const Golden& golden) const {
    return token_log_probs(model, golden.ids.to(device_), golden.offsets);
  }
  // After a backward pass in bf16 on `device`.
  static double bf16_gradient_error(const Golden& golden, torch::Device device) {
    const auto model = load_model(golden_folder() / GetParam(), torch::kBFloat16, device);
    (-token_log_probs(*model, golden.ids.to(device), golden.offsets).mean()).backward();
    return gradient_error(*model, golden);
  }
  // Of the whole gradient: ||ours - theirs|| / ||theirs||.
  static double gradient_error(const CausalLM& model, const Golden& golden) {
    double difference = 0, total = 0;
    for (const auto& entry : model.named_parameters()) {
      const torch::Tensor expected = golden.file.view("grad." + entry.key()).to(torch::kDouble);
      const torch::Tensor got = entry.value().grad().cpu().to(torch::kDouble);
      difference += (got - expected).square().sum().item<double>();
      total += expected.square().sum().item<double>();
    }
    return std::sqrt(difference / total);
  }

  torch::Device device_ = torch::kCPU;
};

TEST_P(GpuModel, LogProbsAndGradientsInFp32) {
  const Golden golden(GetParam());
  const auto model = load_model(golden_folder() / GetParam(), torch::kFloat32, device_);
  const torch::Tensor got = log_probs(*model, golden);
  EXPECT_LT((got.detach().cpu() - golden.log_probs).abs().max().item<double>(), 1e-4);
  (-got.mean()).backward();
  EXPECT_LT(gradient_error(*model, golden), 1e-4);
}

TEST_P(GpuModel, LogProbsInBf16AreClose) {
  const Golden golden(GetParam());
  const auto model = load_model(golden_folder() / GetParam(), torch::kBFloat16, device_);
  const torch::NoGradGuard no_grad;
  const torch::Tensor got = log_probs(*model, golden);
  const torch::Tensor difference = got.cpu().to(torch::kFloat32) - golden.log_probs;
  EXPECT_LT(difference.abs().mean().item<double>(), 0.1);
}

TEST_P(GpuModel, GradientsInBf16AreAsCloseAsTheCpus) {
  const Golden golden(GetParam());
  // What bf16 itself costs differs between families; the CPU's own operators say how much.
  EXPECT_LT(bf16_gradient_error(golden, device_),
            2 * bf16_gradient_error(golden, torch::kCPU) + 0.01);
}

TEST_P(GpuModel, GreedyGeneration) {
  const Golden golden(GetParam());
  const auto model = load_model(golden_folder() / GetParam(), torch::kFloat32, device_);
  EXPECT_TRUE(torch::equal(greedy_tokens(*model, golden, device_), golden.greedy));
}

TEST(GpuWeightFormat, UnpacksTheSameBits) {
  UNLEARN_NEEDS_GPU();
  torch::manual_seed(3);
  const torch::Tensor matrix = torch::randn({37, 129});  // no whole number of blocks
  for (const torch::Dtype dtype : {torch::kFloat32, torch::kBFloat16}) {
    for (const WeightFormat& format : weight_formats()) {
      PackedMatrix packed = PackedMatrix::pack(format, matrix.to(dtype), "matrix");
      const torch::Tensor twin = packed.unpack();
      packed.to(torch::Device(torch::kCUDA, 0));
      EXPECT_TRUE(packed.unpack().cpu().equal(twin)) << format.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, GpuModel, ::testing::ValuesIn(variants()),
                         [](const auto& variant) { return variant.param; });

}  // namespace
}  // namespace unlearn::model
