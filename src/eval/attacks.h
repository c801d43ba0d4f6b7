// Membership inference attacks between texts to be forgotten and texts never trained on.
#pragma once

#include <string>
#include <vector>

#include "eval/selection.h"
#include "unlearn/eval/plan.h"
#include "unlearn/metrics/eval_log.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::eval {

// The text that mia_zlib compresses is that of the example's labels, decoded, as in OpenUnlearning.
struct AttackText {
  int64_t row = 0;
  data::Example example;  // may be without a label
};

class Attacks {
 public:
  // Requests what the selected attacks need; `reference` is null without a reference model.
  void plan(const MetricSelection& selection, const tokenizer::Tokenizer& tok,
            const std::vector<AttackText>& forget, const std::vector<AttackText>& holdout,
            Plan& own, Plan* reference);
  // Adds every planned attack with its scores per text (OpenUnlearning's form: "forget" and
  // "holdout", each with "value_by_index"); the AUC is left to whoever reads them.
  void add(const Results& own, const Results& reference, const metrics::AttackOptions& options,
           metrics::EvalReport& report) const;

 private:
  struct Item {
    int64_t row = 0;
    std::string text;
    std::optional<ResultId> score, reference, gradient;  // none without a label to score
  };
  Json score_rows(const metrics::Metric& metric, const std::vector<Item>& items, const Results& own,
                  const Results& reference, const metrics::AttackOptions& options) const;

  std::vector<const metrics::Metric*> metrics_;
  std::vector<Item> forget_, holdout_;
};

}  // namespace unlearn::eval
