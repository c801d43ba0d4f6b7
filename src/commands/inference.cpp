#include "commands/inference.h"

#include <iostream>

#include "commands/run_config.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/model/lora.h"

namespace unlearn::commands {

void add_inference_flags(Flags& app, InferenceFlags& flags) {
  app.add_option("--template", flags.prompt_template, "auto (the family's), a name, or none");
  app.add_option("--dtype", flags.dtype, "auto, float32, bfloat16 or float64")
      .one_of({"auto", "float32", "bfloat16", "float64"});
  app.add_option("--adapter", flags.adapter, "LoRA adapter folder (PEFT's format) to add");
  app.add_option("--batch-tokens", flags.batch_tokens, "tokens per batch")
      .between(int64_t{1}, int64_t{1} << 40);
}

LoadedModel open_model(const std::string& folder, const std::string& device_name,
                       const InferenceFlags& flags) {
  const torch::Device device = resolve_device(device_name.empty() ? "auto" : device_name);
  LoadedModel loaded;
  loaded.tokenizer = tokenizer::load_tokenizer(folder);
  loaded.prompt_template = resolve_template(flags.prompt_template, std::nullopt, folder);
  loaded.model = model::load_model(folder, resolve_dtype(flags.dtype, device), device);
  if (!flags.adapter.empty()) model::merge_adapter(*loaded.model, flags.adapter);
  loaded.model->eval();
  return loaded;
}

std::vector<int32_t> token_field(const Json& row, const std::string& key, int64_t vocab_size,
                                 bool allow_ignored) {
  const Json& list = row.at(key);
  if (!list.is_array() || list.empty()) user_error("field '", key, "' must be a list of token ids");
  std::vector<int32_t> ids;
  for (const Json& id : list) {
    const bool ignored = allow_ignored && id.is_number_integer() && id == data::kIgnored;
    if (!ignored && (!id.is_number_integer() || id < 0 || id >= vocab_size)) {
      user_error("field '", key, "': ", id.dump(), " is no token id (0 to ", vocab_size - 1,
                 allow_ignored ? ", or -100 for masked)" : ")");
    }
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

void check_ids(const std::vector<int32_t>& ids, int64_t vocab_size) {
  for (const int32_t id : ids) {
    if (id < vocab_size) continue;
    user_error("tokenizer/embedding mismatch: token id ", id, " but the model has ", vocab_size,
               " embeddings; take the tokenizer that belongs to the model");
  }
}

void write_lines(const std::string& output, const std::vector<std::string>& lines) {
  const auto write = [&](std::ostream& out) {
    for (const std::string& line : lines) out << line << '\n';
  };
  if (output.empty()) {
    write(std::cout);
  } else {
    write_file_atomic(output, write);
  }
}

}  // namespace unlearn::commands
