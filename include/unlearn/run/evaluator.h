// Evaluations as commands run them: of a model folder, or of the model in training.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "unlearn/eval/evaluation.h"
#include "unlearn/run/run_config.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::run {

// The weights that an evaluation reads.
struct EvaluatedModel {
  std::filesystem::path folder;     // Hugging Face folder: config.json, tokenizer, weights
  std::string merged_adapter = {};  // LoRA adapter to add into them
  std::string adapter = {};         // LoRA adapter to put beside them
  // Of the linear layers under `adapter`; null: as the rest.
  const model::WeightFormat* base_format = nullptr;
};
// What a LoRA run that wrote no merged model made: the model it started from, its adapter beside.
EvaluatedModel adapter_of_run(const RunConfig& config, const std::filesystem::path& adapter);

// An evaluation whose data, logs and tokens have been checked; no weights are loaded.
class Evaluator {
 public:
  // `config` must outlive this.
  Evaluator(const RunConfig& config, EvaluatedModel evaluated, torch::Device device);

  // The requests that this evaluation makes, as text.
  std::string plan_summary() const;
  // True when <folder> holds a finished evaluation of this benchmark.
  bool is_complete(const std::filesystem::path& eval_folder) const;
  // UserError when writing results into <folder> would replace others' files or the log that they
  // are compared with.
  void check_output(const std::filesystem::path& eval_folder) const;
  // Evaluates the weights on disk into <folder>: resumable unless eval.cache is off.
  eval::Outcome evaluate_folder(const std::filesystem::path& eval_folder);
  // Evaluates a model in memory; nothing is cached. Without a folder nothing is written.
  eval::Outcome evaluate_model(model::CausalLM& model, const std::filesystem::path& eval_folder);
  // "forget_quality 0.31  model_utility 0.52 …"
  std::string headline_text(const eval::Outcome& outcome) const;
  std::vector<std::string> headline() const;

  // For those who measure a model in several states, and ask it more than the benchmark does.
  eval::EvaluationInputs inputs() const;
  model::ModelDims dims() const;
  eval::Plan requests() const;
  // Of all requests: two evaluations with the same one ask the same.
  std::string requests_key() const;
  // Of the weights on disk, their precision and kind of device.
  std::string model_key() const;
  std::shared_ptr<model::CausalLM> load() const { return load(evaluated_); }
  // Evaluates a model in memory; results are kept in `cache`, which belongs to these weights. No
  // file of an evaluation is written.
  eval::Outcome measure(model::CausalLM& model, const std::filesystem::path& cache);
  // How requests run here, without a cache.
  eval::ExecuteOptions execute_options() const;

 private:
  eval::Outcome run(const eval::ModelProvider& model, const std::filesystem::path& cache,
                    const std::filesystem::path& reference_cache,
                    const std::filesystem::path& eval_folder);
  eval::Outcome answer(eval::BenchmarkEvaluation& evaluation, const eval::ModelProvider& model,
                       const std::filesystem::path& cache,
                       const std::filesystem::path& reference_cache);
  std::shared_ptr<model::CausalLM> load(const EvaluatedModel& evaluated) const;
  std::filesystem::path cache_of(const EvaluatedModel& evaluated,
                                 const std::filesystem::path& eval_folder) const;

  const RunConfig& config_;
  EvaluatedModel evaluated_;
  torch::Device device_;
  torch::Dtype dtype_;
  std::unique_ptr<tokenizer::Tokenizer> tokenizer_;
  data::Template template_;
  int64_t vocab_size_ = 0;
  std::string model_type_;
  int64_t context_ = 0;  // positions; 0: config.json does not say
  int64_t reference_vocab_size_ = 0;
  scoring::DecodingRules rules_;
  std::shared_ptr<model::CausalLM> reference_, original_;  // loaded when first needed
};

}  // namespace unlearn::run
