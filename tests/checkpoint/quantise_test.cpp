#include "unlearn/checkpoint/quantise.h"

#include <gtest/gtest.h>

#include "unlearn/core/json.h"

namespace unlearn::checkpoint {
namespace {

// scripts/goldens/quantise.py: NumPy, with NF4's code rebuilt from quantiles by SciPy.
TEST(GoldenQuantise, RoundTrips) {
  const Json golden = read_json(UNLEARN_TEST_DIR "/golden/checkpoint/quantise.json");
  for (const Json& one : golden.at("cases")) {
    const auto tensor = [&](const char* name) {
      return torch::tensor(one.at(name).get<std::vector<double>>(), torch::kDouble)
          .view(one.at("shape").get<std::vector<int64_t>>());
    };
    const torch::Tensor weight = tensor("weight").to(torch::kFloat);
    EXPECT_TRUE(
        torch::allclose(round_trip_int8(weight).to(torch::kDouble), tensor("int8"), 1e-5, 1e-7));
    EXPECT_TRUE(
        torch::allclose(round_trip_nf4(weight).to(torch::kDouble), tensor("nf4"), 1e-5, 1e-7));
    // Rounding what is rounded already changes nothing.
    EXPECT_TRUE(torch::allclose(round_trip_int8(round_trip_int8(weight)), round_trip_int8(weight)));
    EXPECT_TRUE(torch::allclose(round_trip_nf4(round_trip_nf4(weight)), round_trip_nf4(weight)));
  }
}

TEST(Quantise, LinearLayersOnly) {
  const auto matrix = torch::zeros({4, 4});
  EXPECT_TRUE(is_quantised("model.layers.0.mlp.down_proj.weight", matrix));
  EXPECT_TRUE(is_quantised("transformer.h.0.attn.c_attn.weight", matrix));
  EXPECT_FALSE(is_quantised("model.layers.0.mlp.down_proj.bias", torch::zeros({4})));
  EXPECT_FALSE(is_quantised("model.embed_tokens.weight", matrix));
  EXPECT_FALSE(is_quantised("transformer.wpe.weight", matrix));
  EXPECT_FALSE(is_quantised("gpt_neox.embed_out.weight", matrix));
  EXPECT_FALSE(is_quantised("lm_head.weight", matrix));
  EXPECT_FALSE(is_quantised("model.layers.0.mlp.mask", matrix.to(torch::kBool)));
}

}  // namespace
}  // namespace unlearn::checkpoint
