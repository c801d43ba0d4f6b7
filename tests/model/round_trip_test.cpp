// Saved folders hold what was loaded; scripts/check_roundtrip.py opens them in transformers.
#include <gtest/gtest.h>

#include <cstdlib>

#include "model/fixtures.h"
#include "test_folder.h"
#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/core/json.h"

namespace unlearn::model {
namespace {
namespace fs = std::filesystem;

// A folder for one test; UNLEARN_ROUNDTRIP_DIR names one that stays.
fs::path output_folder(const std::string& name) {
  const char* kept = std::getenv("UNLEARN_ROUNDTRIP_DIR");
  const fs::path root =
      kept != nullptr ? fs::path(kept) : fs::path(::testing::TempDir()) / "unlearn_round_trip";
  fs::remove_all(root / name);
  fs::create_directories(root);
  return root / name;
}

class RoundTrip : public ::testing::TestWithParam<std::string> {};

TEST_P(RoundTrip, SavedFoldersHaveTheSameTensorsAndGiveTheSameLogProbs) {
  const Golden golden(GetParam());
  const fs::path source = golden_folder() / GetParam();
  const fs::path saved = output_folder(GetParam());
  const checkpoint::TensorStore original(source);
  const torch::Dtype dtype = original.info(original.names().front()).dtype;
  const auto model = load_model(source, dtype, torch::kCPU);
  save_model(*model, source, saved, dtype);

  const checkpoint::TensorStore written(saved);
  ASSERT_EQ(written.names(), original.names());
  for (const std::string& name : original.names()) {
    EXPECT_EQ(written.info(name).dtype, original.info(name).dtype) << name;
    EXPECT_TRUE(torch::equal(written.view(name), original.view(name))) << name;
  }
  const auto again = load_model(saved, dtype, torch::kCPU);
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(torch::equal(token_log_probs(*model, golden.ids, golden.offsets),
                           token_log_probs(*again, golden.ids, golden.offsets)));
}

// What was written once is written the same again: both spellings agree with each other.
TEST_P(RoundTrip, TheSavedConfigIsAFixedPoint) {
  const fs::path source = golden_folder() / GetParam();
  const fs::path first = output_folder(GetParam() + "_1");
  const fs::path second = output_folder(GetParam() + "_2");
  save_model(*load_model(source, torch::kFloat32, torch::kCPU), source, first, torch::kFloat32);
  save_model(*load_model(first, torch::kFloat32, torch::kCPU), first, second, torch::kFloat32);
  const auto unordered = [](const fs::path& folder) {
    return nlohmann::json::parse(read_file(folder / "config.json"));
  };
  EXPECT_EQ(unordered(first), unordered(second));
  fs::remove_all(first);
  fs::remove_all(second);
}

INSTANTIATE_TEST_SUITE_P(Variants, RoundTrip, ::testing::ValuesIn(variants()),
                         [](const auto& variant) { return variant.param; });

Json config_of(const std::string& variant) {
  return read_json(golden_folder() / variant / "config.json");
}

// The published GPT-2 was saved from the trunk alone: no "transformer." before the names, and
// causal masks among the tensors.
TEST(Families, AFileOfTheTrunkAloneLoads) {
  const Golden golden("gpt2");
  const fs::path source = golden_folder() / "gpt2";
  const fs::path trunk = output_folder("gpt2_trunk");
  fs::create_directories(trunk);
  std::vector<checkpoint::NamedTensor> tensors;
  const checkpoint::TensorStore store(source);
  const std::string prefix = "transformer.";
  for (const std::string& name : store.names()) {
    ASSERT_TRUE(name.starts_with(prefix)) << name;
    tensors.push_back({name.substr(prefix.size()), store.view(name)});
  }
  tensors.push_back({"h.0.attn.bias", torch::ones({1, 1, 4, 4})});
  checkpoint::write_tensor_folder(trunk, tensors, torch::kFloat32, int64_t{1} << 30);
  fs::copy(source / "config.json", trunk / "config.json");
  const auto model = load_model(trunk, torch::kFloat32, torch::kCPU);
  const torch::NoGradGuard no_grad;
  EXPECT_LT((token_log_probs(*model, golden.ids, golden.offsets) - golden.log_probs)
                .abs()
                .max()
                .item<double>(),
            1e-4);
  fs::remove_all(trunk);
}

// safetensors.torch.save_model keeps one name of a tied matrix, which may be the head's.
TEST(Families, ATiedModelLoadsFromItsHeadAlone) {
  for (const auto& [variant, embedding] :
       {std::pair{"gpt2", "transformer.wte.weight"}, {"qwen2", "model.embed_tokens.weight"}}) {
    const Golden golden(variant);
    const fs::path source = golden_folder() / variant;
    const fs::path folder = output_folder(cat(variant, "_head_only"));
    fs::create_directories(folder);
    std::vector<checkpoint::NamedTensor> tensors;
    const checkpoint::TensorStore store(source);
    for (const std::string& name : store.names()) {
      tensors.push_back({name == embedding ? "lm_head.weight" : name, store.view(name)});
    }
    checkpoint::write_tensor_folder(folder, tensors, torch::kFloat32, int64_t{1} << 30);
    fs::copy(source / "config.json", folder / "config.json");
    const auto model = load_model(folder, torch::kFloat32, torch::kCPU);
    EXPECT_TRUE(model->dims().tied_embeddings);
    const torch::NoGradGuard no_grad;
    const torch::Tensor error =
        token_log_probs(*model, golden.ids, golden.offsets) - golden.log_probs;
    EXPECT_LT(error.abs().max().item<double>(), 1e-4) << variant;
    EXPECT_TRUE(check_model_folder(folder).unused.empty());
    fs::remove_all(folder);
  }
}

// The log-probabilities and gradients of llama_other_head are tests of every variant.
TEST(Families, AStoredHeadUntiesTheModelAndIsSaved) {
  const fs::path source = golden_folder() / "llama_other_head";
  EXPECT_EQ(read_json(source / "config.json").at("tie_word_embeddings"), true);
  EXPECT_EQ(model_config(source).at("tie_word_embeddings"), false);
  EXPECT_EQ(check_model_folder(source).oddities.size(), 1U);
  const fs::path saved = output_folder("other_head");
  save_model(*load_model(source, torch::kFloat32, torch::kCPU), source, saved, torch::kFloat32);
  EXPECT_EQ(read_json(saved / "config.json").at("tie_word_embeddings"), false);
  EXPECT_TRUE(check_model_folder(saved).oddities.empty());
  fs::remove_all(saved);
}

// A copy of the embedding under the head's name changes nothing.
TEST(Families, ATiedModelMayHoldItsHeadTwice) {
  const fs::path source = golden_folder() / "qwen2";
  const fs::path folder = output_folder("head_twice");
  fs::create_directories(folder);
  std::vector<checkpoint::NamedTensor> tensors;
  const checkpoint::TensorStore store(source);
  for (const std::string& name : store.names()) tensors.push_back({name, store.view(name)});
  tensors.push_back({"lm_head.weight", store.view("model.embed_tokens.weight")});
  tensors.push_back({"v_head.summary.weight", torch::zeros({1, 16})});
  checkpoint::write_tensor_folder(folder, tensors, torch::kFloat32, int64_t{1} << 30);
  fs::copy(source / "config.json", folder / "config.json");
  const auto model = load_model(folder, torch::kFloat32, torch::kCPU);
  EXPECT_TRUE(model->dims().tied_embeddings);
  const LoadReport report = check_model_folder(folder);
  EXPECT_TRUE(report.oddities.empty());
  EXPECT_EQ(report.unused, (std::vector<std::string>{"v_head.summary.weight"}));
  fs::remove_all(folder);
}

TEST(Families, FreshGemmaNormsMultiplyByOne) {
  for (const auto& [variant, start] : {std::pair{"gemma2", 0.0}, {"gemma3", 0.0}, {"olmo2", 1.0}}) {
    const auto model = make_model(config_of(variant), 1);
    const auto parameters = model->named_parameters();
    const torch::Tensor& norm = parameters["model.norm.weight"];
    EXPECT_TRUE(torch::equal(norm, torch::full_like(norm, start))) << variant;
  }
}

TEST(Families, SequencesLongerThanLearnedPositionsAreRefused) {
  const auto model = make_model(config_of("gpt2"), 1);
  const torch::Tensor ids = torch::zeros({33}, torch::kInt64);
  EXPECT_EQ(refusal([&] {
              model->hidden_states({ids, {}, {0, 33}});
            }),
            "a sequence has 33 tokens, the model has embeddings for 32 positions");
  EXPECT_EQ(refusal([&] { model->hidden_states({ids, {}, {0, 1, 33}}); }), "accepted");
}

TEST(Families, TheTemplateOfALlamaFollowsItsVocabulary) {
  Json config = config_of("llama");
  EXPECT_EQ(prompt_template_of(config), "llama2");
  config["vocab_size"] = 128256;
  EXPECT_EQ(prompt_template_of(config), "llama3");
  EXPECT_EQ(prompt_template_of(config_of("qwen3")), "qwen3");
}

TEST(Families, ConfigsThatAreNotSupportedAreNamed) {
  const auto answer = [](const std::string& variant, const std::string& key, const Json& value) {
    Json config = config_of(variant);
    config[key] = value;
    return refusal([&] { make_model(config, 1); });
  };
  EXPECT_EQ(answer("gemma2", "use_bidirectional_attention", true),
            "config.json: use_bidirectional_attention: must be false for a causal model");
  EXPECT_EQ(answer("gemma3", "attn_logit_softcapping", 5.0),
            "config.json: attn_logit_softcapping: must be null");
  EXPECT_EQ(answer("gpt2", "n_head", 3),
            "config.json: n_head: must divide n_embd (16), 3 does not");
  EXPECT_EQ(answer("gpt2", "add_cross_attention", true),
            "config.json: add_cross_attention: is not supported");
  EXPECT_NE(answer("gemma3_v5", "layer_types", Json::array({"full_attention"}))
                .find("layer_types: has 1 entries for 3 layers"),
            std::string::npos);
  EXPECT_NE(answer("phi3_longrope_v4", "rope_scaling",
                   {{"type", "longrope"}, {"short_factor", {1.0}}, {"long_factor", {1.0, 2.0}}})
                .find("rope_scaling: short_factor: must hold 2 numbers, not 1"),
            std::string::npos);
}

}  // namespace
}  // namespace unlearn::model
