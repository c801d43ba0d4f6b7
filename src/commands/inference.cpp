#include "commands/inference.h"

#include "unlearn/core/error.h"
#include "unlearn/core/log.h"

namespace unlearn::commands {
namespace {

// Of a config only the model and its template count here.
run::RunConfig model_config(const SharedFlags& shared, const InferenceFlags& flags) {
  SharedFlags own;
  own.model = shared.model;
  own.config = shared.config;
  own.strict = shared.strict;
  config::Settings settings = user_settings(own, {});
  if (!flags.prompt_template.empty()) {
    settings.assign("model.template=" + flags.prompt_template, "--template");
  }
  if (!flags.tokenizer.empty()) {
    settings.assign("model.tokenizer=" + flags.tokenizer, "--tokenizer");
  }
  run::RunConfig config = run::resolve_evaluation(settings);
  if (config.model.path.empty()) user_error("no model: give --model DIR, or --config FILE");
  if (flags.prompt_template.empty() && config.model.prompt_template != "auto") {
    log::info("template: ", config.model.prompt_template, " (from ", own.config, ")");
  }
  return config;
}

}  // namespace

void add_inference_flags(cli::Flags& app, SharedFlags& shared, InferenceFlags& flags) {
  app.add_option("--model", shared.model, "Hugging Face model folder (default: the config's)");
  app.add_option("--config", shared.config, "YAML config with the model and its template");
  app.add_option("--output", flags.output, "file for the result lines (default: stdout)");
  app.add_option("--device", shared.device, "auto, cpu, cuda or cuda:N");
  app.add_option("--template", flags.prompt_template,
                 "auto (the family's), a name, none, or a map {question_start, question_end, "
                 "answer_tag} (default: the config's, else the family's)");
  add_tokenizer_flag(app, flags.tokenizer);
  app.add_option("--dtype", flags.dtype, "auto, float32, bfloat16 or float64")
      .one_of(config::names_in(run::kDtypes));
  app.add_option("--adapter", flags.adapter, "LoRA adapter folder (PEFT's format) to add");
  add_strict_flag(app, shared);
  app.add_option("--batch-tokens", flags.batch_tokens, "tokens per batch")
      .between(int64_t{1}, int64_t{1} << 40);
}

run::LoadedModel open_model(const SharedFlags& shared, const InferenceFlags& flags,
                            std::vector<run::NamedInput> inputs) {
  const run::RunConfig config = model_config(shared, flags);
  inputs.insert(
      inputs.end(),
      {{"--model", config.model.path}, {"--adapter", flags.adapter}, {"--config", shared.config}});
  run::check_not_input("--output", flags.output, inputs);
  run::InferenceOptions options{.dtype = config::value_in(run::kDtypes, flags.dtype),
                                .adapter = flags.adapter};
  if (!shared.device.empty()) options.device = shared.device;
  return run::open_model(config, options);
}

}  // namespace unlearn::commands
