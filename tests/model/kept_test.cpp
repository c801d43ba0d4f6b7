// What modules say that they keep for the backward pass against what is allocated after a forward
// pass, in every family.
#include <c10/util/ThreadLocalDebugInfo.h>
#include <gtest/gtest.h>

#include "model/fixtures.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/model/footprint.h"

namespace unlearn::model {
namespace {

// Bytes of all tensors that this thread allocates and frees while it is installed.
class AllocationMeter : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void* /*pointer*/, int64_t bytes, size_t /*allocated*/,
                         size_t /*reserved*/, c10::Device /*device*/) override {
    alive_ += bytes;
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t alive() const { return alive_; }

 private:
  int64_t alive_ = 0;
};

// A golden variant, wide enough that numbers per row do not matter.
Json kept_config(const std::string& variant) {
  Json config = read_json(golden_folder() / variant / "config.json");
  const std::pair<const char*, int64_t> sizes[] = {{"hidden_size", 192},
                                                   {"n_embd", 192},
                                                   {"intermediate_size", 320},
                                                   {"n_inner", 320},
                                                   {"head_dim", 64},
                                                   {"max_position_embeddings", 512},
                                                   {"n_positions", 512},
                                                   {"num_hidden_layers", 4},
                                                   {"n_layer", 4},
                                                   {"num_attention_heads", 4},
                                                   {"num_key_value_heads", 2},
                                                   {"n_head", 4},
                                                   {"sliding_window", 48}};
  for (const auto& [key, size] : sizes) {
    if (config.contains(key) && !config[key].is_null()) config[key] = size;
  }
  if (variant.starts_with("gpt_neox") || variant == "phi") config.erase("num_key_value_heads");
  config.erase("layer_types");
  return config;
}

constexpr const char* kAllLinear = "all-linear";
constexpr const char* kQueries = "q_proj,qkv_proj,query_key_value,c_attn";

struct KeptCase {
  std::string variant;
  torch::Dtype dtype = torch::kFloat32;
  std::string targets = {};  // of LoRA; empty: everything is trained
};

class KeptTest : public ::testing::TestWithParam<std::string> {
 protected:
  static constexpr int64_t kLengths[] = {200, 70, 30};

  // After a forward pass whose result is alive.
  static int64_t measured(CausalLM& model) {
    PackedIds batch;
    batch.offsets = {0};
    for (const int64_t length : kLengths) batch.offsets.push_back(batch.offsets.back() + length);
    batch.ids = torch::arange(batch.offsets.back()).remainder(61);
    const auto meter = std::make_shared<AllocationMeter>();
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, meter);
    const torch::Tensor hidden = model.hidden_states(batch);
    return meter->alive();
  }

  static void expect_kept(const KeptCase& one) {
    const Json config = kept_config(one.variant);
    const auto model = make_model(config, 1);
    model->to(one.dtype);
    model->train();
    std::optional<Adaptation> adaptation;
    if (!one.targets.empty()) {
      adaptation = Adaptation{{.rank = 8, .targets = one.targets}};
      add_lora(*model, adaptation->lora);
    }
    const ModelFootprint footprint = model_footprint(config, adaptation, {one.dtype, true});
    int64_t tokens = 0, pairs = 0;
    for (const int64_t length : kLengths) {
      tokens += length;
      pairs += length * length;
    }
    const auto stream =
        footprint.dims.hidden_size * static_cast<int64_t>(torch::elementSize(one.dtype)) * tokens;
    const auto bytes_of = [&](const Kept& kept) { return tokens * kept.token + pairs * kept.pair; };
    const auto expect = [&](Recompute recompute, const Kept& kept) {
      model->set_recompute(recompute);
      // The final norm's input and output.
      const int64_t said = bytes_of(kept) + 2 * stream;
      const int64_t is = measured(*model);
      const std::string what = cat(one.variant, " ", one.targets, " ", torch::toString(one.dtype),
                                   " recompute ", static_cast<int>(recompute));
      // Rotations, positions and the final norm's statistics, of all blocks together.
      EXPECT_LT(static_cast<double>(is),
                1.01 * static_cast<double>(said) + static_cast<double>(tokens * 600))
          << what;
      // Under LoRA the first norm, which nothing trained precedes, keeps nothing, and what stands
      // beside the first trained layers in the first block may not either.
      int64_t least = said;
      if (one.targets == kAllLinear) least -= 2 * stream;
      if (one.targets == kQueries) least -= bytes_of(footprint.block);
      EXPECT_GT(static_cast<double>(is), 0.99 * static_cast<double>(least)) << what;
    };
    expect(Recompute::kNone, footprint.all);
    expect(Recompute::kSelective, footprint.selective);
    expect(Recompute::kFull, footprint.inputs);
  }
};

TEST_P(KeptTest, IsWhatIsAllocated) {
  for (const torch::Dtype dtype : {torch::kFloat32, torch::kBFloat16}) {
    expect_kept({GetParam(), dtype});
    expect_kept({GetParam(), dtype, kAllLinear});
    // Layers whose weights are frozen and have no pair keep nothing.
    expect_kept({GetParam(), dtype, kQueries});
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, KeptTest,
                         ::testing::Values("llama", "gpt2", "gpt_neox", "gpt_neox_sequential",
                                           "phi", "phi_qk_norm", "phi3", "gemma", "gemma2",
                                           "gemma2_uncapped", "gemma3", "olmo2", "qwen3", "mistral",
                                           "stablelm", "stablelm_parallel"),
                         [](const auto& variant) { return variant.param; });

}  // namespace
}  // namespace unlearn::model
