// An evaluation of own data: one model's side of a verdict, with its figures as metrics.
#include <algorithm>

#include "eval/own_data/plan_rows.h"
#include "eval/own_data/side_metrics.h"
#include "unlearn/core/error.h"
#include "unlearn/eval/own_data.h"
#include "unlearn/eval/text_metrics.h"

namespace unlearn::eval::own_data {
namespace {

namespace own = metrics::own_data;

class OwnDataEvaluation : public BenchmarkEvaluation {
 public:
  OwnDataEvaluation(const EvaluationInputs& inputs, RowsReader read)
      : inputs_(inputs), read_(read), selection_(inputs.config, offer(inputs.config)) {}

  std::string file_prefix() const override { return kFilePrefix; }
  std::vector<std::string> headline() const override {
    return {"forget_AUC",  "forget_extracted",        "forget_extracted_in_other_words",
            "cross_leaks", "retain_held_out_logprob", "general_text_logprob"};
  }

  void plan(Plan& own, Plan& reference) override {
    rows_ = read_(inputs_);
    cut_rows(rows_.forget);
    Plan* base = inputs_.config.reference_model.empty() ? nullptr : &reference;
    plans_.emplace(inputs_, rows_, Wanted::of(selection_));
    plans_->plan(own, base);
    plan_attacks(own, base);
  }

  Outcome assemble(const Results& own, const Results& reference) const override {
    own::Measured measured = plans_->measured(own, reference);
    metrics::EvalReport attacks;
    text_metrics_.add(own, reference, {inputs_.config.min_k, inputs_.config.es_strict}, attacks);
    add_attacks(attacks, measured);
    Outcome outcome{side_metrics(measured, selection_), {}};
    add_attack_metrics(attacks, selection_, outcome.evaluation);
    selection_.filter(outcome.evaluation);
    outcome.files[kMeasuredFile] = own::measured_json(measured);
    return outcome;
  }

 private:
  void cut_rows(std::vector<data::QaRow>& rows) const {
    const int64_t limit = inputs_.config.rows;
    if (limit > 0 && static_cast<int64_t>(rows.size()) > limit) {
      rows.resize(static_cast<size_t>(limit));
    }
  }

  void plan_attacks(Plan& own, Plan* base) {
    std::vector<MetricText> forget, others;
    const auto add = [&](const data::QaRow& row, std::vector<MetricText>& texts) {
      texts.push_back(
          {static_cast<int64_t>(texts.size()), plans_->asker().answered(row, row.answer)});
    };
    if (!selection_.needs(metrics::Need::kHoldout)) return;
    for (const data::QaRow& row : rows_.non_members) add(row, others);
    if (rows_.non_members.empty()) {
      for (const size_t i : plans_->retain().held_out) add(rows_.held_out[i], others);
    }
    if (others.empty()) return;
    for (const data::QaRow& row : rows_.forget) add(row, forget);
    text_metrics_.plan_attacks(selection_, inputs_.tokenizer, forget, others, own, base);
  }

  EvaluationInputs inputs_;
  RowsReader read_;
  MetricSelection selection_;
  OwnRows rows_;
  std::optional<RowPlans> plans_;
  TextMetrics text_metrics_;
};

}  // namespace

std::unique_ptr<BenchmarkEvaluation> make_evaluation(const EvaluationInputs& inputs,
                                                     RowsReader read) {
  return std::make_unique<OwnDataEvaluation>(inputs, read);
}

}  // namespace unlearn::eval::own_data
