// The aggregates of the TOFU benchmark (arXiv 2401.06121), from per-example losses and recalls, in
// the two forms in use: the TOFU repository's (aggregate_eval_stat.py, which the SimNPO paper's
// tables follow) and OpenUnlearning's, which guards its divisions with 1e-10.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "unlearn/eval/eval_config.h"
#include "unlearn/metrics/ks.h"

namespace unlearn::benchmarks::tofu {

using Formula = eval::TofuFormula;
using eval::FalseAnswers;

struct TofuOptions {
  Formula formula = Formula::kLegacy;
  FalseAnswers false_answers = FalseAnswers::kLossMean;
};

enum class TofuTask { kRealAuthors, kRealWorld, kRetain, kForget };
inline constexpr std::array<TofuTask, 4> kTofuTasks = {TofuTask::kRealAuthors, TofuTask::kRealWorld,
                                                       TofuTask::kRetain, TofuTask::kForget};

struct TofuTaskNames {
  const char* log_key;          // "eval_log_forget.json"
  const char* display;          // "Forget"
  const char* prefix;           // OpenUnlearning's: "forget", "retain", "ra", "wf"
  const char* truth_ratio_key;  // OpenUnlearning's: "forget_truth_ratio", "retain_Truth_Ratio", …
};
const TofuTaskNames& names_of(TofuTask task);

// Nats. Sum and tokens count every label, EOS included; mean = sum / tokens.
struct AnswerLoss {
  std::optional<double> mean;
  std::optional<double> sum;
  std::optional<int64_t> tokens;
  std::optional<double> probability;  // as stored by OpenUnlearning; else exp(-mean)
};

// ROUGE of the greedy answer against another reference than the true answer.
struct AnswerRouge {
  double rouge1_recall = 0, rouge_l_f1 = 0, rouge_l_recall = 0;
};

// One question. What a log does not hold stays empty.
struct TofuRow {
  int64_t index = 0;
  AnswerLoss answer;
  AnswerLoss paraphrase;  // Real Authors and Real World have none: there it is the answer again
  std::vector<AnswerLoss> perturbed;
  std::optional<double> rouge1_recall, rouge_l_recall, rouge_l_f1;
  std::optional<double> normalised_probability;  // as stored by OpenUnlearning
  std::optional<double> truth_ratio;             // as stored by OpenUnlearning (false over true)
  std::optional<double> kl_divergence;
  std::optional<AnswerRouge> paraphrase_rouge;     // against the paraphrased answer
  std::vector<AnswerRouge> perturbed_rouge;        // against each perturbed one
  std::optional<std::array<std::string, 3>> text;  // prompt, generation, ground truth
};

// exp(-mean loss): the probability of an answer, normalised for its length.
double answer_probability(double mean_loss);

// p / (p + sum of the false answers' q); OpenUnlearning adds 1e-10 below.
double normalised_probability(double mean_loss, std::span<const double> perturbed_losses,
                              Formula formula);

// R = P(false answers) / P(true answer); OpenUnlearning adds 1e-10 below. kLossMean's R is the
// inverse of what the reference logs' readers call the truth ratio statistic a.
double truth_ratio(double true_loss, std::span<const double> perturbed_losses,
                   const TofuOptions& options);
// OpenUnlearning's newer truth ratio (its aggregator prob_mean): p / (p + q), p the true answer's
// probability and q = exp(-mean loss) of the false ones. 0: not known, 1/2: no preference, 1:
// known.
double knowledge(double true_loss, std::span<const double> perturbed_losses);
// Forget: mean min(R, 1/R), best at 1. Other tasks: mean max(0, 1 - R). None without values, NaN
// when one is.
std::optional<double> mean_truth_ratio(std::span<const double> ratios, TofuTask task,
                                       Formula formula);

// Harmonic mean; 0 when any value is 0; none without values.
std::optional<double> model_utility(std::span<const double> values);

// The KS test between the truth ratios of the unlearned and the retrained model on the forget
// task: p near 1 = alike. Needs both non-empty and free of NaN.
metrics::KsResult forget_quality(std::span<const double> unlearned,
                                 std::span<const double> retrained);

}  // namespace unlearn::benchmarks::tofu
