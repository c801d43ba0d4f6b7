// The `eval:` section.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/config/fields.h"

namespace unlearn::eval {

// What is made of the model's generation_config.json.
enum class GenerationConfig : uint8_t { kApply, kIgnore };
inline constexpr config::Named<GenerationConfig> kGenerationConfigs[] = {
    {GenerationConfig::kApply, "apply"}, {GenerationConfig::kIgnore, "ignore"}};

// Whose definitions the MUSE benchmark is evaluated by.
enum class MuseSuite : uint8_t { kMuse, kOpenUnlearning };
inline constexpr config::Named<MuseSuite> kMuseSuites[] = {{MuseSuite::kMuse, "muse"},
                                                           {MuseSuite::kOpenUnlearning, "ou"}};

// How the k false answers of a TOFU question become one number: kLossMean takes exp(-mean loss)
// (what published tables use), kProbMean the mean of exp(-loss) (the TOFU repository's
// get_model_utility).
enum class FalseAnswers : uint8_t { kLossMean, kProbMean };
inline constexpr config::Named<FalseAnswers> kFalseAnswers[] = {
    {FalseAnswers::kLossMean, "loss_mean"}, {FalseAnswers::kProbMean, "prob_mean"}};

// Whose form TOFU's aggregates have: OpenUnlearning's guards its divisions with 1e-10.
enum class TofuFormula : uint8_t { kLegacy, kOpenUnlearning };
inline constexpr config::Named<TofuFormula> kTofuFormulas[] = {
    {TofuFormula::kOpenUnlearning, "open_unlearning"}, {TofuFormula::kLegacy, "legacy"}};

// How eval_log_aggregated.json holds the rows of a task.
enum class LogRows : uint8_t { kObjects, kLists };
inline constexpr config::Named<LogRows> kLogRows[] = {{LogRows::kObjects, "objects"},
                                                      {LogRows::kLists, "lists"}};

struct EvalConfig {
  bool at_start = false;        // a training run evaluates the model that it starts from
  bool at_end = false;          // … and the one that it saved
  std::string every = "never";  // during training: "never", "epoch" or a number of steps
  std::string retain_log;       // the retrained model's log, or its run folder
  std::vector<std::string> splits = {"all"};
  std::vector<std::string> metrics = {"default"};
  int64_t rows = 0;  // of every split at most; 0: all

  // Text
  std::string question_key = "question";
  std::optional<int64_t> max_length;  // tokens of a scored text; unset: by template
  int64_t max_new_tokens = 200;       // of a generation
  std::optional<int64_t>
      max_total_tokens;  // prompt and generation; unset: by template; 0: no limit
  double temperature = 0;
  double top_p = 1;
  int64_t seed = 0;
  GenerationConfig generation_config = GenerationConfig::kApply;

  // Formulas
  MuseSuite suite = MuseSuite::kMuse;
  FalseAnswers truth_ratio = FalseAnswers::kLossMean;
  TofuFormula formula = TofuFormula::kOpenUnlearning;
  int64_t ds_size = 300;  // rows of the TOFU repository's log
  LogRows log_rows = LogRows::kObjects;
  bool es_strict = false;
  bool pad_is_masked = false;  // OpenUnlearning's attention mask
  double min_k = 0.4;

  // Own data (benchmarks qa and text)
  int64_t own_alternatives = 24;  // answers that stand against a row's own, at most
  int64_t own_samples = 4;        // drawn for each forget row
  double own_temperature = 1.0;   // of those
  int64_t own_retain_rows = 64;   // of each kind of retain rows at most
  bool own_paraphrases = true;    // forget rows are asked in other words, too

  // What some metrics need besides the model
  std::string holdout;          // file with texts no model was trained on; "": by benchmark
  std::string reference_model;  // folder, for mia_reference
  std::string original_model;   // folder of the model before unlearning, for kl_divergence

  // Speed
  std::optional<int64_t> batch_tokens;       // tokens scored at a time
  std::optional<int64_t> generation_tokens;  // tokens a batch of generations may hold
  bool cache = true;

  void visit(config::FieldVisitor& visitor);
  // What fields alone cannot say; UserError names the key.
  void check() const;
  // Steps between evaluations during training: 0 = never.
  int64_t interval(int64_t steps_per_epoch) const;
};

}  // namespace unlearn::eval
