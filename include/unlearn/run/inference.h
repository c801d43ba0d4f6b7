// A model opened to be asked: its tokenizer, its template, its weights, and the rows people ask
// with.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "unlearn/data/dataset.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/run/run_config.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::run {

struct LoadedModel {
  std::unique_ptr<tokenizer::Tokenizer> tokenizer;  // empty for a folder without one
  std::string folder;
  data::Template prompt_template;
  std::shared_ptr<model::CausalLM> model;
  std::vector<int32_t> stops;  // ids that end a generation

  // UserError without a tokenizer: only rows of input_ids can do without.
  const tokenizer::Tokenizer& text_tokenizer() const;
};

struct InferenceOptions {
  std::string device = "auto";
  std::string dtype = "auto";
  std::string adapter;  // LoRA adapter folder added into the weights; empty: none
};

// config.model with its template, of which `auto` is that of the run that made the model. In eval
// mode. UserError when a weight is not finite: what a damaged model says is no result.
LoadedModel open_model(const RunConfig& config, const InferenceOptions& options);

// Another model of the same vocabulary, with the first one's precision and device. `flag` names it
// in errors.
std::shared_ptr<model::CausalLM> open_second_model(const std::string& folder,
                                                   const LoadedModel& first, bool is_strict,
                                                   const std::string& flag);

// A row of `unlearn score`: {"prompt","answer"}, {"text"} or {"input_ids","labels"}; all ids are
// checked against the model's embeddings. UserError otherwise.
data::Example scored_example(const Json& row, const LoadedModel& loaded);

// The ids of a row of `unlearn generate`, {"prompt"} or {"input_ids"}, checked likewise.
std::vector<int32_t> prompt_ids(const Json& row, const LoadedModel& loaded);

}  // namespace unlearn::run
