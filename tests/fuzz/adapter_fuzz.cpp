// adapter_config.json of a LoRA adapter, against a small Llama.
#include "fuzz.h"
#include "unlearn/model/lora.h"

FUZZ_TARGET(adapter) {
  namespace fs = std::filesystem;
  static const fs::path golden = fs::path(UNLEARN_SOURCE_DIR) / "tests/golden";
  const auto folder = unlearn::fuzz::scratch_folder();
  static const bool has_weights =
      fs::copy_file(golden / "lora/llama/adapter_model.safetensors",
                    folder / "adapter_model.safetensors", fs::copy_options::overwrite_existing);
  if (!has_weights) return;
  unlearn::fuzz::scratch_file("adapter_config.json", input);
  unlearn::model::check_adapter(golden / "model/llama", folder);
}
