// config.json of a model, beside the weights of a small Llama: what `unlearn inspect` reads.
#include "fuzz.h"
#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/model/causal_lm.h"

FUZZ_TARGET(model_config) {
  namespace fs = std::filesystem;
  const auto folder = unlearn::fuzz::scratch_folder();
  static const bool has_weights =
      fs::copy_file(fs::path(UNLEARN_SOURCE_DIR) / "tests/golden/model/llama/model.safetensors",
                    folder / "model.safetensors", fs::copy_options::overwrite_existing);
  if (!has_weights) return;
  unlearn::fuzz::scratch_file("config.json", input);
  const auto config = unlearn::checkpoint::open_hf_folder(folder);
  unlearn::fuzz::attempt([&] { unlearn::model::prompt_template_of(config.json()); });
  unlearn::fuzz::attempt([&] { unlearn::checkpoint::portable_config(config, torch::kFloat32); });
  unlearn::model::summarize_model_folder(folder);
}
