#include "commands/inference.h"

#include <iostream>

#include "commands/device.h"
#include "commands/output.h"
#include "commands/prompt_template.h"
#include "commands/run_config.h"
#include "commands/session.h"
#include "unlearn/checkpoint/finite.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"
#include "unlearn/model/lora.h"

namespace unlearn::commands {

namespace fs = std::filesystem;

namespace {

// Of a config only the model and its template count here.
RunConfig model_config(const SharedFlags& shared, const InferenceFlags& flags) {
  SharedFlags said;
  said.model = shared.model;
  said.config = shared.config;
  said.strict = shared.strict;
  config::Settings settings = user_settings(said, {});
  if (!flags.prompt_template.empty()) {
    settings.assign("model.template=" + flags.prompt_template, "--template");
  }
  if (!flags.tokenizer.empty()) {
    settings.assign("model.tokenizer=" + flags.tokenizer, "--tokenizer");
  }
  RunConfig config = resolve_evaluation(settings);
  if (config.model.path.empty()) user_error("no model: give --model DIR, or --config FILE");
  if (flags.prompt_template.empty() && config.model.prompt_template != "auto") {
    log::info("template: ", config.model.prompt_template, " (from ", said.config, ")");
  }
  return config;
}

}  // namespace

void add_inference_flags(Flags& app, SharedFlags& shared, InferenceFlags& flags) {
  app.add_option("--model", shared.model, "Hugging Face model folder (default: the config's)");
  app.add_option("--config", shared.config, "YAML config with the model and its template");
  app.add_option("--output", flags.output, "file for the result lines (default: stdout)");
  app.add_option("--device", shared.device, "auto, cpu, cuda or cuda:N");
  app.add_option("--template", flags.prompt_template,
                 "auto (the family's), a name, none, or a map {question_start, question_end, "
                 "answer_tag} (default: the config's, else the family's)");
  add_tokenizer_flag(app, flags.tokenizer);
  app.add_option("--dtype", flags.dtype, "auto, float32, bfloat16 or float64")
      .one_of(config::names_in(kDtypes));
  app.add_option("--adapter", flags.adapter, "LoRA adapter folder (PEFT's format) to add");
  add_strict_flag(app, shared);
  app.add_option("--batch-tokens", flags.batch_tokens, "tokens per batch")
      .between(int64_t{1}, int64_t{1} << 40);
}

const tokenizer::Tokenizer& LoadedModel::text_tokenizer() const {
  if (tokenizer == nullptr) {
    user_error(
        "the model's folder has no tokenizer.json, no tokenizer.model, and no vocab.json with ",
        "merges.txt: without a tokenizer only rows of input_ids can be read");
  }
  return *tokenizer;
}

void check_finite(const model::CausalLM& model, const std::string& folder) {
  for (const auto& entry : model.named_parameters()) {
    if (checkpoint::has_nonfinite(entry.value())) {
      user_error(folder, ": tensor '", entry.key(),
                 "' holds NaN or infinities; the model is damaged");
    }
  }
}

LoadedModel open_model(const SharedFlags& shared, const InferenceFlags& flags,
                       std::vector<NamedInput> inputs) {
  const RunConfig config = model_config(shared, flags);
  const std::string& folder = config.model.path;
  inputs.insert(inputs.end(),
                {{"--model", folder}, {"--adapter", flags.adapter}, {"--config", shared.config}});
  check_not_input("--output", flags.output, inputs);
  const torch::Device device = resolve_device(shared.device.empty() ? "auto" : shared.device);
  LoadedModel loaded;
  if (!fs::is_directory(folder) || tokenizer::has_tokenizer(folder)) {
    loaded.tokenizer =
        tokenizer::load_tokenizer(folder, resolve_rules(config.model.tokenizer, folder));
    loaded.stops = loaded.tokenizer->special().stops;
  } else {
    loaded.stops = tokenizer::model_special_ids(folder).stops;
  }
  loaded.folder = folder;
  check_model(folder, config.model.strict);
  if (!flags.adapter.empty()) model::check_adapter(folder, flags.adapter);
  loaded.prompt_template = resolve_template(config, folder, ForeignChat::kWarn);
  loaded.model = model::load_model(
      folder, resolve_dtype(config::value_in(kDtypes, flags.dtype), device), device);
  if (!flags.adapter.empty()) model::merge_adapter(*loaded.model, flags.adapter);
  check_finite(*loaded.model, folder);
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
