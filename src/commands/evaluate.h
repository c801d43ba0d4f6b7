// Evaluations as commands run them: of a model folder, or of the model in training.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "commands/run_config.h"
#include "unlearn/eval/evaluation.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::commands {

// An evaluation whose data, logs and tokens have been checked; no weights are loaded.
class Evaluator {
 public:
  // `model_folder` is where config.json and the tokenizer are. `config` must outlive this.
  Evaluator(const RunConfig& config, std::filesystem::path model_folder);

  // The requests that this evaluation makes, as text.
  std::string plan_summary() const;
  // True when <folder> holds a finished evaluation of this benchmark.
  bool is_complete(const std::filesystem::path& eval_folder) const;
  // Evaluates the folder's own weights into <folder>: resumable unless eval.cache is off.
  eval::Outcome evaluate_folder(const std::filesystem::path& eval_folder);
  // Evaluates a model in memory; nothing is cached.
  eval::Outcome evaluate_model(model::CausalLM& model, const std::filesystem::path& eval_folder);
  // "forget_quality 0.31  model_utility 0.52 …"
  std::string headline_text(const eval::Outcome& outcome) const;
  std::vector<std::string> headline() const;

 private:
  eval::EvaluationInputs inputs() const;
  eval::Outcome run(const eval::ModelProvider& model, const std::filesystem::path& cache,
                    const std::filesystem::path& reference_cache,
                    const std::filesystem::path& eval_folder);
  std::shared_ptr<model::CausalLM> load(const std::filesystem::path& folder) const;
  std::filesystem::path cache_of(const std::filesystem::path& model_folder,
                                 const std::filesystem::path& eval_folder) const;

  const RunConfig& config_;
  std::filesystem::path folder_;
  torch::Device device_;
  torch::Dtype dtype_;
  std::unique_ptr<tokenizer::Tokenizer> tokenizer_;
  data::Template template_;
  int64_t vocab_size_ = 0;
  std::shared_ptr<model::CausalLM> reference_;  // loaded when first needed
};

}  // namespace unlearn::commands
