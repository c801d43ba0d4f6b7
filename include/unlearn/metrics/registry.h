// The list of metrics: what each is called in reports, what it says, and what it needs. Those of
// metrics.def are computed for every benchmark that provides what they need; a benchmark adds its
// own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "unlearn/metrics/mia.h"

namespace unlearn::metrics {

// What an evaluation has to provide before a metric can be computed.
enum class Need {
  kAnswerLoss,      // mean token loss of the true answers
  kParaphraseLoss,  // … of the paraphrased answers
  kPerturbedLoss,   // … of the perturbed (false) answers
  kGeneration,      // greedy continuations
  kArgmax,          // whether the arg-max equals the label, per label
  kTokenLogp,       // log-probability of every label
  kTokenMoments,    // mean and variance of log p over the vocabulary, per label
  kGradient,        // gradient of one example's loss
  kHoldout,         // texts neither trained on nor to be forgotten
  kReferenceModel,  // a second model
  kOriginalModel,   // the model before unlearning
  kRetainLog,       // the evaluation of a model trained without the forget set
};
// "answer losses", …
const char* need_name(Need need);

using TextMetric = std::optional<double> (*)(const ScoredText&, const TextOptions&);

struct Metric {
  std::string name;               // "mia_min_k"
  std::string help;               // one line
  std::vector<std::string> keys;  // its names in <BENCHMARK>_EVAL.json
  std::vector<Need> needs;
  // Of metrics.def, one of the three; of a benchmark's own metrics, none.
  TextMetric attack = nullptr;  // a membership inference attack: the score of one text
  TextMetric score = nullptr;   // the metric is the mean of this over the texts to be forgotten
  std::string made_of = "";     // stored rows of another metric ("mia_min_k") are all it needs
};

// All metrics in the order of metrics.def; built once.
const std::vector<Metric>& registered_metrics();
// None when there is no metric of that name.
const Metric* find_metric(const std::string& name);

}  // namespace unlearn::metrics
