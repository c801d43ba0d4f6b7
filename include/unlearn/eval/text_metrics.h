// The metrics of metrics.def, which are made of one text's scores at a time: means over texts to be
// forgotten, and membership inference attacks between those and texts never trained on.
#pragma once

#include <string>
#include <vector>

#include "unlearn/eval/plan.h"
#include "unlearn/eval/selection.h"
#include "unlearn/metrics/eval_log.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::eval {

// The text that a metric sees (mia_zlib compresses it) is that of the example's labels, decoded, as
// in OpenUnlearning.
struct MetricText {
  int64_t row = 0;
  data::Example example;  // may be without a label
};

// Requested scores of one text.
struct PlannedText {
  int64_t row = 0;
  std::string text;
  // None without a label to score.
  std::optional<ScoreId> score, reference;
  std::optional<GradientId> gradient;
};

class TextMetrics {
 public:
  // A text for the selected means: what they need is requested, unless there is none selected.
  void plan_mean(const MetricSelection& selection, const tokenizer::Tokenizer& tok,
                 const MetricText& text, Plan& own);
  // Requests what the selected attacks need; `reference` is null without a reference model.
  void plan_attacks(const MetricSelection& selection, const tokenizer::Tokenizer& tok,
                    const std::vector<MetricText>& forget, const std::vector<MetricText>& holdout,
                    Plan& own, Plan* reference);
  // Adds every planned metric with its scores per text: of means "value_by_index", of attacks
  // OpenUnlearning's form ("forget" and "holdout", each with "value_by_index"). Means and AUCs are
  // left to whoever reads them (metrics/stored_metrics.h).
  void add(const Results& own, const Results& reference, const metrics::TextOptions& options,
           metrics::EvalReport& report) const;

 private:
  std::vector<metrics::Metric> means_, attacks_;
  std::vector<PlannedText> texts_, forget_, holdout_;
};

}  // namespace unlearn::eval
