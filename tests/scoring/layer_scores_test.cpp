// Patched blocks and the logit lens against transformers' forward hooks (scripts/goldens/depth.py).
#include "unlearn/scoring/layer_scores.h"

#include <gtest/gtest.h>

#include "model/fixtures.h"
#include "unlearn/core/json.h"

namespace unlearn::scoring {
namespace {

constexpr double kHookTolerance = 1e-4;

const Json& depth_golden() {
  static const Json golden =
      read_json(std::filesystem::path(UNLEARN_TEST_DIR) / "golden/scoring/depth.json");
  return golden;
}

struct ModelPair {
  std::shared_ptr<model::CausalLM> reader, source;
};

// The source is the same model with the parameters of its blocks scaled.
ModelPair pair_from(const std::filesystem::path& folder) {
  ModelPair pair{model::load_model(folder, torch::kFloat32, torch::kCPU),
                 model::load_model(folder, torch::kFloat32, torch::kCPU)};
  const torch::NoGradGuard no_grad;
  for (auto& entry : pair.source->named_parameters()) {
    const std::string& name = entry.key();
    const bool of_block =
        name.find(".layers.") != std::string::npos || name.find(".h.") != std::string::npos;
    if (of_block) entry.value().mul_(depth_golden()["scale"].get<double>());
  }
  return pair;
}

data::Example hooked_example(const Json& golden) {
  data::Example example;
  example.tokens = golden["tokens"].get<std::vector<int32_t>>();
  example.labels.assign(example.tokens.size(), data::kIgnored);
  for (const size_t place : golden["scored"].get<std::vector<size_t>>()) {
    example.labels[place] = example.tokens[place];
    ++example.num_labels;
  }
  return example;
}

void expect_as_hooked(const LayerScores& found, const Json& golden, bool pre_norm) {
  EXPECT_NEAR(found.whole, golden["whole"].get<double>(), kHookTolerance);
  auto patched = golden["patched"].get<std::vector<double>>();
  if (pre_norm) patched.back() = golden["patched_pre_norm"].get<double>();
  for (const auto& [values, wanted] :
       {std::pair{found.patched, patched},
        {found.lens_reader, golden["lens_reader"].get<std::vector<double>>()},
        {found.lens_source, golden["lens_source"].get<std::vector<double>>()}}) {
    ASSERT_EQ(values.size(), wanted.size());
    for (size_t l = 0; l < values.size(); ++l)
      EXPECT_NEAR(values[l], wanted[l], kHookTolerance) << l;
  }
}

TEST(GoldenLayerScores, EveryFamilyAsTransformersHooks) {
  for (const auto& [family, golden] : depth_golden()["families"].items()) {
    SCOPED_TRACE(family);
    const ModelPair pair = pair_from(model::golden_folder() / family);
    const data::Example example = hooked_example(golden);
    for (const bool pre_norm : {false, true}) {
      const auto found = layer_scores(*pair.reader, *pair.source, {&example}, {pre_norm, 0});
      ASSERT_EQ(found.size(), 1U);
      expect_as_hooked(found.front(), golden, pre_norm);
    }
  }
}

// Several texts in one pass are scored as each by itself.
TEST(GoldenLayerScores, APackOfTexts) {
  const ModelPair pair = pair_from(UNLEARN_SOURCE_DIR "/data/tiny");
  std::vector<data::Example> examples;
  for (const Json& golden : depth_golden()["tiny"]) examples.push_back(hooked_example(golden));
  const std::vector<const data::Example*> pointers = {&examples[0], &examples[1]};
  for (const int64_t batch_tokens : {1, 1000}) {
    const auto found = layer_scores(*pair.reader, *pair.source, pointers, {false, batch_tokens});
    ASSERT_EQ(found.size(), 2U);
    for (size_t i = 0; i < found.size(); ++i) {
      expect_as_hooked(found[i], depth_golden()["tiny"][i], /*pre_norm=*/false);
    }
  }
}

// A model put in its own place changes nothing; but for its last block, whose stand-in is normed.
TEST(LayerScores, ItselfAsTheSource) {
  const auto model =
      model::load_model(model::golden_folder() / "llama", torch::kFloat32, torch::kCPU);
  const data::Example example = hooked_example(depth_golden()["families"]["llama"]);
  const LayerScores found = layer_scores(*model, *model, {&example}, {true, 0}).front();
  for (const double patched : found.patched) EXPECT_NEAR(patched, found.whole, 1e-6);
  EXPECT_EQ(found.lens_reader, found.lens_source);
  EXPECT_NEAR(found.lens_reader.back(), found.whole, 1e-6);
}

}  // namespace
}  // namespace unlearn::scoring
