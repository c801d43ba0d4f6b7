// Outputs that grow past lengths at which rotations change (scripts/goldens/decoding.py).
#include <gtest/gtest.h>

#include "scoring/fixture.h"
#include "test_folder.h"
#include "unlearn/core/json.h"
#include "unlearn/scoring/generate.h"

namespace unlearn::scoring {
namespace {

namespace fs = std::filesystem;

// Lengths at which rotations change while a sequence grows: cached keys stay as they are, but for
// Phi-3, whose model starts again from the first token.
class Crossing : public testing::Test {
 protected:
  std::shared_ptr<model::CausalLM> model_of(const Json& row) const {
    const fs::path source = model::golden_folder() / row.at("variant").get<std::string>();
    if (row.at("rope_parameters").is_null()) {
      return model::load_model(source, torch::kFloat32, torch::kCPU);
    }
    fs::copy(source / "model.safetensors", own_.path() / "model.safetensors");
    Json config = read_json(source / "config.json");
    config["rope_parameters"] = row.at("rope_parameters");
    own_.write("config.json", config.dump());
    return model::load_model(own_.path(), torch::kFloat32, torch::kCPU);
  }
  const TestFolder own_;
};

TEST_F(Crossing, GenerationGoesOnAsTransformersDoes) {
  for (const Json& row : read_json(fs::path(UNLEARN_TEST_DIR) / "golden/decoding/crossing.json")) {
    const auto model = model_of(row);
    const auto prompts = row.at("prompts").get<std::vector<std::vector<int32_t>>>();
    const auto wanted = row.at("outputs").get<std::vector<std::vector<int32_t>>>();
    GenerateOptions options;
    options.max_new_tokens = static_cast<int64_t>(wanted.front().size());
    for (const int64_t batch_tokens : {1, 70, 8192}) {
      options.batch_tokens = batch_tokens;
      EXPECT_EQ(generate(*model, prompts, options), wanted)
          << row.at("variant") << " in batches of " << batch_tokens;
    }
  }
}

}  // namespace
}  // namespace unlearn::scoring
