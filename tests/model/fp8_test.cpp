// Layers that compute in FP8 against the same layers in bf16.
#include "unlearn/model/fp8.h"

#include <gtest/gtest.h>

#include "model/fixtures.h"

namespace unlearn::model {
namespace {

std::shared_ptr<CausalLM> made_model(int64_t inner = 176) {
  const Json config = {{"architectures", {"LlamaForCausalLM"}},
                       {"model_type", "llama"},
                       {"hidden_size", 64},
                       {"intermediate_size", inner},
                       {"num_hidden_layers", 2},
                       {"num_attention_heads", 4},
                       {"num_key_value_heads", 2},
                       {"vocab_size", 96},
                       {"rms_norm_eps", 1e-5},
                       {"max_position_embeddings", 64},
                       {"tie_word_embeddings", false},
                       {"hidden_act", "silu"}};
  auto model = make_model(config, 5);
  model->to(torch::kBFloat16);
  return model;
}

std::map<std::string, torch::Tensor> fp8_gradients(CausalLM& model, torch::Tensor& hidden,
                                                   Recompute recompute = Recompute::kNone) {
  torch::manual_seed(61);
  model.set_recompute(recompute);
  hidden = model.hidden_states({torch::randint(0, 96, {24}), {}, {0, 10, 24}}, {});
  logits_of(model, hidden).log_softmax(-1).square().mean().backward();
  std::map<std::string, torch::Tensor> result;
  for (const auto& entry : model.named_parameters()) {
    result[entry.key()] = entry.value().grad().to(torch::kDouble);
    entry.value().mutable_grad() = torch::Tensor();
  }
  return result;
}

TEST(Fp8ModelTest, FollowsBf16AndRecomputesToTheBit) {
  const auto plain = made_model(), narrow = made_model();
  EXPECT_EQ(use_fp8(*narrow), 14);  // the seven layers of two blocks; not the head
  torch::Tensor want_hidden, hidden;
  const auto want = fp8_gradients(*plain, want_hidden), got = fp8_gradients(*narrow, hidden);
  const double error = ((hidden - want_hidden).norm() / want_hidden.norm()).item<double>();
  EXPECT_LT(error, 0.06);
  EXPECT_GT(error, 0.001);
  for (const auto& [name, gradient] : got) {
    const torch::Tensor& other = want.at(name);
    const auto cosine =
        ((gradient * other).sum() / (gradient.norm() * other.norm())).item<double>();
    EXPECT_GT(cosine, 0.98) << name;
  }
  for (const Recompute recompute : {Recompute::kSelective, Recompute::kFull}) {
    for (const auto& [name, gradient] : fp8_gradients(*narrow, hidden, recompute)) {
      EXPECT_TRUE(gradient.equal(got.at(name))) << name;
    }
  }
}

// Layers of other widths stay as they are.
TEST(Fp8ModelTest, TakesMultiplesOfSixteen) {
  EXPECT_EQ(use_fp8(*made_model(/*inner=*/180)), 8);  // q, k, v, o of two blocks
}

}  // namespace
}  // namespace unlearn::model
