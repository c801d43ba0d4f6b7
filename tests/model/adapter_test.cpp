// Adapter folders: what PEFT computes from them, and what is refused by name.
#include <gtest/gtest.h>

#include "model/lora_fixture.h"
#include "test_folder.h"
#include "unlearn/core/json.h"
#include "unlearn/model/lora.h"

namespace unlearn::model {
namespace {
namespace fs = std::filesystem;

// scripts/goldens/lora.py, LOADED.
struct LoadedAdapter {
  std::string folder, base;
};

std::ostream& operator<<(std::ostream& out, const LoadedAdapter& adapter) {
  return out << adapter.folder;
}

class GoldenAdapter : public ::testing::TestWithParam<LoadedAdapter> {
 protected:
  torch::Tensor expected() const {
    const auto file = adapter_folder(GetParam().folder) / "golden.safetensors";
    return checkpoint::SafetensorsFile(file).view("log_probs").clone();
  }
};

TEST_P(GoldenAdapter, MergedItGivesPeftsLogProbs) {
  const auto& [folder, base] = GetParam();
  const auto model = load(base);
  const torch::NoGradGuard no_grad;
  EXPECT_GT(largest(log_probs(*model, base) - expected()), 1e-2) << "the adapter must matter";
  check_adapter(golden_folder() / base, adapter_folder(folder));
  merge_adapter(*model, adapter_folder(folder));
  EXPECT_LT(largest(log_probs(*model, base) - expected()), 1e-4);
}

TEST_P(GoldenAdapter, BesideItGivesPeftsLogProbs) {
  const auto& [folder, base] = GetParam();
  const auto model = load(base);
  attach_adapter(*model, adapter_folder(folder));
  const torch::NoGradGuard no_grad;
  EXPECT_LT(largest(log_probs(*model, base) - expected()), 1e-4);
}

TEST_P(GoldenAdapter, TheMergedModelIsSavedWhole) {
  const auto& [folder, base] = GetParam();
  const TestFolder own;
  const auto model = load(base);
  merge_adapter(*model, adapter_folder(folder));
  save_model(*model, golden_folder() / base, own.path() / "merged", torch::kFloat32);
  const auto again = load_model(own.path() / "merged", torch::kFloat32, torch::kCPU);
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(torch::equal(log_probs(*model, base), log_probs(*again, base)));
}

const LoadedAdapter kLoaded[] = {
    {"llama_pissa", "llama"},      {"gpt2_pissa", "gpt2"},
    {"llama_olora", "llama"},      {"llama_mica", "llama"},
    {"llama_orthogonal", "llama"}, {"llama_layers", "llama"},
    {"llama_head", "llama"},       {"llama_llama3_tied_head", "llama_llama3_tied"},
    {"gpt_neox_head", "gpt_neox"}};
INSTANTIATE_TEST_SUITE_P(Folders, GoldenAdapter, ::testing::ValuesIn(kLoaded),
                         [](const auto& adapter) { return adapter.param.folder; });

// Copies of the adapter "llama" (rank 3, every linear layer) with something wrong.
class BadAdapter : public ::testing::Test {
 protected:
  void SetUp() override { restore(); }
  void restore() {
    fs::remove_all(folder_);
    fs::copy(adapter_folder("llama"), folder_);
    fs::permissions(folder_, fs::perms::owner_all);
  }
  // The message, which loading and the check by headers agree on.
  std::string message(const std::string& variant = "llama") {
    const std::string loaded = refusal([&] { merge_adapter(*load(variant), folder_); });
    EXPECT_EQ(loaded, refusal([&] { attach_adapter(*load(variant), folder_); }));
    EXPECT_EQ(loaded, refusal([&] { check_adapter(golden_folder() / variant, folder_); }));
    return loaded;
  }
  bool says(const std::string& part, const std::string& variant = "llama") {
    const std::string text = message(variant);
    const bool found = text.find(part) != std::string::npos;
    if (!found) ADD_FAILURE() << "'" << part << "' not in: " << text;
    return found;
  }
  void set(const std::string& key, const Json& value) {
    Json config = read_json(folder_ / "adapter_config.json");
    config[key] = value;
    write_file_atomic(folder_ / "adapter_config.json", config.dump());
  }
  // The tensors after `change` has seen them.
  void rewrite(const std::function<void(std::map<std::string, torch::Tensor>&)>& change) {
    const fs::path file = folder_ / "adapter_model.safetensors";
    std::map<std::string, torch::Tensor> tensors;
    {
      const checkpoint::SafetensorsFile stored(file);
      for (const auto& [name, info] : stored.tensors()) tensors[name] = stored.view(name).clone();
    }
    change(tensors);
    std::vector<checkpoint::NamedTensor> list;
    for (const auto& [name, tensor] : tensors) list.push_back({name, tensor});
    checkpoint::write_safetensors(file, list);
  }

  const TestFolder own_;
  const fs::path folder_ = own_.path() / "adapter";
  const std::string layer_ = "base_model.model.model.layers.1.mlp.up_proj.";
};

TEST_F(BadAdapter, MissingTensorsAreNamed) {
  rewrite([](auto& tensors) { tensors.clear(); });
  says(
      "tensors are missing that target_modules of adapter_config.json ask for: "
      "'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight', ");
  restore();
  rewrite([&](auto& tensors) {
    tensors.erase(layer_ + "lora_A.weight");
    tensors.erase(layer_ + "lora_B.weight");
  });
  says(layer_ + "lora_A.weight', '" + layer_ + "lora_B.weight'");
  restore();
  rewrite([&](auto& tensors) { tensors.erase(layer_ + "lora_B.weight"); });
  says("ask for: '" + layer_ + "lora_B.weight'");
}

TEST_F(BadAdapter, TensorsWithoutAPlaceAreNamed) {
  for (const char* name : {"base_model.model.model.layers.7.mlp.up_proj.lora_A.weight",
                           "base_model.model.model.norm.weight", "lora_A.weight",
                           "base_model.model.model.layers.1.mlp.up_proj.lora_magnitude_vector"}) {
    restore();
    rewrite([&](auto& tensors) { tensors[name] = torch::zeros({3, 16}); });
    says(cat("tensors that have no place beside the layers that adapter_config.json names: '", name,
             "'"));
  }
  restore();
  set("target_modules", {"q_proj"});
  says("tensors that have no place");
  restore();
  says("tensors that have no place", "phi");
}

TEST_F(BadAdapter, ShapesAndRanksAreCompared) {
  says("k_proj", "mistral");  // fewer key heads
  set("r", 4);
  says("r: is 4 for layer 'model.layers.0.self_attn.q_proj', its tensors have 3");
  restore();
  set("rank_pattern", {{"up_proj", 2}});
  says("r: is 2 for layer 'model.layers.0.mlp.up_proj', its tensors have 3");
  restore();
  rewrite([&](auto& tensors) { tensors[layer_ + "lora_B.weight"] = torch::zeros({24, 2}); });
  says("lora_B.weight' has shape [24, 2], the layer needs [24, 3]");
  restore();
  rewrite([&](auto& tensors) { tensors[layer_ + "lora_A.weight"] = torch::zeros({3}); });
  says("lora_A.weight' has shape [3], the layer needs [3, 16]");
  restore();
  rewrite([&](auto& tensors) {
    tensors[layer_ + "lora_A.weight"] = torch::zeros({3, 16}, torch::kInt8);
  });
  says("has dtype I8, a floating-point dtype is needed");
  restore();
  rewrite([](auto& tensors) {  // a grown vocabulary
    tensors["base_model.model.model.embed_tokens.weight"] = torch::zeros({64, 16});
  });
  says("embed_tokens.weight' has shape [64, 16], the base needs [61, 16]");
}

TEST_F(BadAdapter, OtherFormulasAndUnknownSettingsAreNamed) {
  const std::vector<std::pair<std::string, Json>> settings = {
      {"use_dora", true},
      {"use_qalora", true},
      {"use_bdlora", {{"nblocks", 2}}},
      {"lora_bias", true},
      {"bias", "all"},
      {"bias", "lora_only"},
      {"modules_to_save", {"lm_head"}},
      {"layer_replication", {{0, 2}, {1, 2}}},
      {"target_parameters", {"mlp.experts"}},
      {"trainable_token_indices", {3}},
      {"alora_invocation_tokens", {1, 2}},
      {"megatron_config", {{"tp", 2}}},
      {"monteclora_config", {{"num_samples", 8}}},
      {"arrow_config", {{"top_k", 3}}},
      {"kasa_config", {{"beta", 0.1}}},
      {"velora_config", {{"num_groups", 64}}},
      {"ensure_weight_tying", true},
      {"a_setting_of_the_future", 0.5},
      {"peft_type", "IA3"},
      {"peft_type", "ADALORA"},
      {"task_type", "SEQ_CLS"},
      {"init_lora_weights", "pissa_niter_4"},
      {"init_lora_weights", "corda"},
      {"init_lora_weights", "loftq"},
      {"init_lora_weights", "lora_ga"},
      {"init_lora_weights", "unheard_of"},
      {"init_lora_weights", 3},
      {"use_rslora", "yes"},
      {"r", 0},
      {"r", 2.5},
      {"lora_alpha", nullptr},
      {"alpha_pattern", {{"q_proj", "x"}}},
      {"rank_pattern", {{"q_proj(", 3}}},
      {"target_modules", nullptr},
      {"target_modules", {"query"}},
      {"target_modules", {"q_proj", "embed_tokens"}},
      {"exclude_modules", 3},
      {"layers_to_transform", "1"}};
  for (const auto& [key, value] : settings) {
    restore();
    set(key, value);
    EXPECT_EQ(message().find(cat((folder_ / "adapter_config.json").string(), ": ", key, ": ")), 0U)
        << key << " " << value << ": " << message();
  }
}

TEST_F(BadAdapter, SettingsWithoutEffectAreTaken) {
  const torch::Tensor before = [&] {
    const auto model = load("llama");
    merge_adapter(*model, folder_);
    return log_probs(*model, "llama");
  }();
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, Json>>{{"init_lora_weights", "gaussian"},
                                                 {"init_lora_weights", "eva"},
                                                 {"init_lora_weights", false},
                                                 {"fan_in_fan_out", true},
                                                 {"runtime_config", {{"x", true}}},
                                                 {"revision", "main"},
                                                 {"task_type", nullptr},
                                                 {"lora_dropout", 0.3},
                                                 {"off", false},
                                                 {"target_modules", "all-linear"},
                                                 {"layers_pattern", ""},
                                                 {"eva_config", {{"rho", 2.0}}}}) {
    set(key, value);
  }
  const auto model = load("llama");
  merge_adapter(*model, folder_);
  EXPECT_TRUE(torch::equal(log_probs(*model, "llama"), before));
}

TEST_F(BadAdapter, AnInitialisationNeedsAMatrixThatHasThePart) {
  set("init_lora_weights", "pissa");
  set("r", 17);
  rewrite([](auto& tensors) {
    for (auto& [name, tensor] : tensors) {
      tensor =
          torch::zeros(name.ends_with("lora_A.weight") ? std::vector<int64_t>{17, tensor.size(1)}
                                                       : std::vector<int64_t>{tensor.size(0), 17});
    }
  });
  says("r: is 17, too much for layer 'model.layers.0.self_attn.q_proj' of 16 x 16");
  fs::remove_all(folder_);
  fs::copy(adapter_folder("gpt2_pissa"), folder_);
  set("init_lora_weights", "olora");
  says("init_lora_weights: olora does not go with weights stored [in, out]", "gpt2");
}

TEST_F(BadAdapter, AnInitialisationCannotChangeAPackedBase) {
  EXPECT_NE(refusal([&] {
              attach_adapter(*load("llama", torch::kFloat32, 8), adapter_folder("llama_pissa"));
            }).find("init_lora_weights: changes the base, which cannot be done in 8 or 4 bits"),
            std::string::npos);
}

TEST_F(BadAdapter, FilesThatAreNotThereAreNamed) {
  fs::remove(folder_ / "adapter_model.safetensors");
  says("no adapter_model.safetensors there");
  write_file_atomic(folder_ / "adapter_model.bin", "");
  says("holds only pickled tensors (adapter_model.bin)");
  fs::remove(folder_ / "adapter_config.json");
  says("no adapter_config.json there");
}

}  // namespace
}  // namespace unlearn::model
