// One benchmark's evaluation: what to ask the model, and what to make of the answers
// (src/benchmarks).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "unlearn/data/data_config.h"
#include "unlearn/data/template.h"
#include "unlearn/eval/eval_config.h"
#include "unlearn/eval/execute.h"
#include "unlearn/eval/plan.h"
#include "unlearn/metrics/eval_log.h"
#include "unlearn/runtime/token_budget.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::eval {

// What every benchmark gets. All must outlive the evaluation.
struct EvaluationInputs {
  const tokenizer::Tokenizer& tokenizer;
  const data::Template& prompt_template;
  const data::DataConfig& data;  // root, forget, …
  const EvalConfig& config;
  int64_t vocab_size = 0;            // rows of the embedding: no token id may reach it
  std::string model_type = {};       // config.json's
  int64_t context = 0;               // positions the model is made for; 0: not known
  int64_t reference_vocab_size = 0;  // of eval.reference_model; 0: as the model's own
};

// What an evaluation says.
struct Outcome {
  metrics::Evaluation evaluation;     // metrics and one warning for every null
  std::map<std::string, Json> files;  // further files of the eval folder: name -> content
  std::map<std::string, std::string> texts = {};  // and those that are no JSON
};

class BenchmarkEvaluation {
 public:
  virtual ~BenchmarkEvaluation() = default;
  // Prefix of the files: "TOFU" makes TOFU_EVAL.json.
  virtual std::string file_prefix() const = 0;
  // The metrics that a table shows first.
  virtual std::vector<std::string> headline() const = 0;
  // Adds requests: to `own` for the model under evaluation, to `reference` for the model of
  // eval.reference_model (only when that is set). Reads and checks all data and logs first.
  virtual void plan(Plan& own, Plan& reference) = 0;
  virtual Outcome assemble(const Results& own, const Results& reference) const = 0;
};

// Models to run and where their results are kept.
struct EvaluationRun {
  ModelProvider model;
  ModelProvider reference;                // may be empty without eval.reference_model
  ModelProvider original;                 // may be empty without eval.original_model
  std::string original_key;               // what its weights are
  scoring::DecodingRules rules = {};      // how this model decodes
  std::filesystem::path cache;            // this model's folder; empty: none
  std::filesystem::path reference_cache;  // the reference model's
  // Tokens at a time, unless the config sets them.
  int64_t batch_tokens = runtime::kScoringTokens.cpu;
  int64_t generation_tokens = runtime::kGenerationTokens.cpu;
  std::function<void(const std::string& stage, int64_t done, int64_t total)> progress;
};

// The evaluation's requests, of both models. UserError for anything wrong in settings, data and
// logs, and for token ids that a model does not have.
struct Plans {
  Plan own, reference;
};
Plans checked_plans(BenchmarkEvaluation& evaluation, const EvaluationInputs& inputs);

// Plans, runs, assembles.
Outcome run_evaluation(BenchmarkEvaluation& evaluation, const EvaluationInputs& inputs,
                       const EvaluationRun& run);
// Writes <PREFIX>_EVAL.json, <PREFIX>_SUMMARY.json and the further files, each atomically.
void write_outcome(const std::filesystem::path& folder, const BenchmarkEvaluation& evaluation,
                   const Outcome& outcome);

// The two files that every evaluation writes.
std::vector<std::string> eval_file_names(const std::string& prefix);

// A table for the terminal: one row per metric, one column per model; null shows as "-".
struct NamedOutcome {
  std::string name;
  const metrics::EvalReport* report;
};
std::string comparison_table(const std::vector<NamedOutcome>& outcomes,
                             const std::vector<std::string>& headline);

}  // namespace unlearn::eval
