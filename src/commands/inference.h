// What score and generate share: a loaded model with its tokenizer and template.
#pragma once

#include <memory>
#include <string>

#include "commands/cli.h"
#include "commands/output.h"
#include "unlearn/data/dataset.h"
#include "unlearn/model/causal_lm.h"
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
void add_inference_flags(Flags& app, SharedFlags& shared, InferenceFlags& flags);

struct LoadedModel {
  std::unique_ptr<tokenizer::Tokenizer> tokenizer;  // empty for a folder without one
  std::string folder;
  data::Template prompt_template;
  std::shared_ptr<model::CausalLM> model;
  std::vector<int32_t> stops;  // ids that end a generation

  // UserError without a tokenizer: only rows of input_ids can do without.
  const tokenizer::Tokenizer& text_tokenizer() const;
};
// The model and the template of the flags, else of --config, else (the template) of the run that
// made the model. UserError without a model, and when --output is one of `inputs` or a part of the
// model.
LoadedModel open_model(const SharedFlags& shared, const InferenceFlags& flags,
                       std::vector<NamedInput> inputs);

// UserError when a weight is not finite: what a damaged model says is no result.
void check_finite(const model::CausalLM& model, const std::string& folder);

// Token ids of a row's {"input_ids"} field, checked against the model's embeddings.
std::vector<int32_t> token_field(const Json& row, const std::string& key, int64_t vocab_size,
                                 bool allow_ignored);

// UserError "tokenizer/embedding mismatch" for ids that the model has no embedding for.
void check_ids(const std::vector<int32_t>& ids, int64_t vocab_size);

// Result lines: to a file (atomically) or, with an empty name, to stdout.
void write_lines(const std::string& output, const std::vector<std::string>& lines);

}  // namespace unlearn::commands
