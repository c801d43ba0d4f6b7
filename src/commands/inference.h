// What score and generate share: the flags that open a model.
#pragma once

#include <string>
#include <vector>

#include "commands/shared_flags.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/run/inference.h"
#include "unlearn/run/output.h"
#include "unlearn/runtime/token_budget.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::commands {

struct InferenceFlags {
  std::string prompt_template;  // empty: the config's
  std::string tokenizer;        // empty: the config's rules for reading the tokenizer's files
  std::string dtype = "auto";
  std::string adapter;  // LoRA adapter folder added into the weights
  std::string output;
  int64_t batch_tokens = runtime::kScoringTokens.cpu;
};
void add_inference_flags(cli::Flags& app, SharedFlags& shared, InferenceFlags& flags);

// The model and the template of the flags, else of --config, else (the template) of the run that
// made the model. UserError without a model, and when --output is one of `inputs` or a part of the
// model.
run::LoadedModel open_model(const SharedFlags& shared, const InferenceFlags& flags,
                            std::vector<run::NamedInput> inputs);

}  // namespace unlearn::commands
