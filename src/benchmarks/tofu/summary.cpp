#include "benchmarks/tofu/summary.h"

#include <cmath>

#include "benchmarks/tofu/columns.h"
#include "unlearn/core/error.h"
#include "unlearn/metrics/or_null.h"
#include "unlearn/metrics/stored_metrics.h"

namespace unlearn::benchmarks::tofu {
namespace {

class Report {
 public:
  Report(const TofuLog& log, const TofuEvaluationOptions& options) : log_(log) {
    const Formula natural =
        log.form == TofuLogForm::kAggregated ? Formula::kLegacy : Formula::kOpenUnlearning;
    options_ = {options.formula.value_or(natural), options.false_answers};
  }

  void add_task(TofuTask task) {
    if (log_.rows(task).empty()) return;
    add_probabilities(task);
    add_rouge(task);
    add_other_rouge(task);
    add_truth_ratio(task);
    add_knowledge(task);
    add_divergence(task);
    for (const char* part : utility_parts(task)) {
      const auto found = result_.metrics.find(names_of(task).prefix + std::string(part));
      if (found != result_.metrics.end() && found->second.value) {
        utility_.push_back(*found->second.value);
      } else {
        missing_.push_back(names_of(task).prefix + std::string(part));
      }
    }
  }

  void add_model_utility() {
    for (const TofuTask task : {TofuTask::kRealAuthors, TofuTask::kRealWorld, TofuTask::kRetain}) {
      if (log_.rows(task).empty()) missing_.push_back(names_of(task).log_key);
    }
    metrics::MetricResult& utility = result_.metrics["model_utility"];
    if (missing_.empty()) {
      utility.value = model_utility(utility_);
    } else {
      warn("model_utility", cat("the log gives no ", join(missing_, ", ")));
    }
  }

  void add_forget_quality(const TofuLog* retain) {
    if (log_.rows(TofuTask::kForget).empty()) return;
    metrics::MetricResult& quality = result_.metrics["forget_quality"];
    if (retain == nullptr) {
      warn("forget_quality", "it needs the retain model's log (--retain-log)");
      return;
    }
    // A diverged model has no ratios to compare; its report still has to be written.
    const auto own = result_.metrics.find(names_of(TofuTask::kForget).truth_ratio_key);
    if (own == result_.metrics.end() || !own->second.value) {
      warn("forget_quality", "the log gives no finite forget_truth_ratio");
      return;
    }
    const auto [unlearned, retrained] = comparable_truth_ratios(log_, *retain, options_);
    if (has_nan(retrained)) {
      warn("forget_quality", cat("a forget truth ratio of ", retain->source, " is NaN"));
      return;
    }
    const metrics::KsResult test = forget_quality(unlearned, retrained);
    quality.value = test.p_value;
    quality.details["statistic"] = test.statistic;
  }

  void add_others(const TofuLog* retain) {
    metrics::add_stored_metrics(log_.other, log_.source,
                                retain == nullptr ? nullptr : &retain->other,
                                retain == nullptr ? "" : retain->source, result_);
  }

  metrics::Evaluation take() { return std::move(result_); }

 private:
  static std::vector<const char*> utility_parts(TofuTask task) {
    if (task == TofuTask::kForget) return {};
    if (task == TofuTask::kRetain) return {"_Q_A_ROUGE", "_Q_A_Prob", "_Truth_Ratio"};
    return {"_Q_A_ROUGE", "_Q_A_Prob_normalised", "_Truth_Ratio"};
  }

  void warn(const std::string& name, const std::string& reason) {
    result_.warnings.push_back(cat(name, " is null: ", reason));
  }

  // " (row 3 is nan)" where a row's own value is to blame.
  template <class Value>
  static std::string first_non_finite(const std::vector<TofuRow>& rows, const Value& value_of) {
    for (const TofuRow& row : rows) {
      const std::optional<double> value = value_of(row);
      if (value && !std::isfinite(*value)) {
        return cat(" (row ", row.index, " is ", metrics::name_of_non_finite(*value), ")");
      }
    }
    return "";
  }

  // Adds a metric unless no row has a value. `row_json(row)` is what value_by_index shows.
  template <class Value, class RowJson>
  void add(const std::string& name, TofuTask task, const Value& value_of, const RowJson& row_json) {
    const std::vector<double> values = present(log_.rows(task), value_of);
    if (!values.empty()) store(name, task, mean(values), value_of, row_json);
  }

  template <class Value, class RowJson>
  void store(const std::string& name, TofuTask task, std::optional<double> value,
             const Value& value_of, const RowJson& row_json) {
    metrics::MetricResult& metric = result_.metrics[name];
    if (value && !std::isfinite(*value)) {
      warn(name, "its value is not finite" + first_non_finite(log_.rows(task), value_of));
      value.reset();
    }
    metric.value = value;
    Json rows = Json::object();
    for (const TofuRow& row : log_.rows(task)) rows[std::to_string(row.index)] = row_json(row);
    metric.details["value_by_index"] = std::move(rows);
  }

  void add_answer(const std::string& name, TofuTask task, AnswerLoss TofuRow::*answer) {
    add(
        name, task,
        [&](const TofuRow& row) { return row_probability(row.*answer, options_.formula); },
        [&](const TofuRow& row) {
          return Json{{"prob", metrics::or_null(row_probability(row.*answer, options_.formula))},
                      {"avg_loss", metrics::or_null((row.*answer).mean)}};
        });
  }

  void add_probabilities(TofuTask task) {
    const std::string prefix = names_of(task).prefix;
    const bool world = task == TofuTask::kRealAuthors || task == TofuTask::kRealWorld;
    add_answer(prefix + "_Q_A_Prob", task, &TofuRow::answer);
    // The aggregated form stores the answer once more where there is no paraphrase.
    if (!world) add_answer(prefix + "_Q_A_PARA_Prob", task, &TofuRow::paraphrase);
    add(
        prefix + "_Q_A_PERT_Prob", task,
        [&](const TofuRow& row) { return row_perturbed_probability(row, options_.formula); },
        [&](const TofuRow& row) {
          Json probabilities = Json::array(), losses = Json::array();
          for (const AnswerLoss& answer : row.perturbed) {
            probabilities.push_back(metrics::or_null(row_probability(answer, options_.formula)));
            losses.push_back(metrics::or_null(answer.mean));
          }
          return Json{{"prob", std::move(probabilities)}, {"avg_loss", std::move(losses)}};
        });
    if (!world) return;
    const auto normalised = [&](const TofuRow& row) {
      return row_normalised(row, options_.formula);
    };
    add(prefix + "_Q_A_Prob_normalised", task, normalised, [&](const TofuRow& row) {
      return Json{{"prob", metrics::or_null(normalised(row))}};
    });
  }

  void add_rouge(TofuTask task) {
    add(
        names_of(task).prefix + std::string("_Q_A_ROUGE"), task,
        [](const TofuRow& row) { return row.rouge_l_recall; },
        [](const TofuRow& row) {
          Json entry = {{"rouge1_recall", metrics::or_null(row.rouge1_recall)}};
          if (row.rouge_l_f1) entry["rougeL_f1"] = *row.rouge_l_f1;
          entry["rougeL_recall"] = metrics::or_null(row.rouge_l_recall);
          if (row.text) {
            entry["input"] = (*row.text)[0];
            entry["ground_truth"] = (*row.text)[2];
            entry["generation"] = (*row.text)[1];
          }
          return entry;
        });
  }

  // The answer to the question as it stands, against paraphrased and perturbed answers.
  void add_other_rouge(TofuTask task) {
    const std::string prefix = names_of(task).prefix;
    add(
        prefix + "_Q_A_PARA_ROUGE", task,
        [](const TofuRow& row) {
          return row.paraphrase_rouge ? std::optional(row.paraphrase_rouge->rouge_l_recall)
                                      : std::nullopt;
        },
        [](const TofuRow& row) {
          if (!row.paraphrase_rouge) return Json();
          return Json{{"rouge1_recall", row.paraphrase_rouge->rouge1_recall},
                      {"rougeL_f1", row.paraphrase_rouge->rouge_l_f1},
                      {"rougeL_recall", row.paraphrase_rouge->rouge_l_recall}};
        });
    add(prefix + "_Q_A_PERT_ROUGE", task, row_perturbed_rouge, [](const TofuRow& row) {
      if (row.perturbed_rouge.empty()) return Json();
      Json entry = {{"rouge1_recall", Json::array()},
                    {"rougeL_f1", Json::array()},
                    {"rougeL_recall", Json::array()}};
      for (const AnswerRouge& rouge : row.perturbed_rouge) {
        entry["rouge1_recall"].push_back(rouge.rouge1_recall);
        entry["rougeL_f1"].push_back(rouge.rouge_l_f1);
        entry["rougeL_recall"].push_back(rouge.rouge_l_recall);
      }
      return entry;
    });
  }

  void add_knowledge(TofuTask task) {
    const auto value = [&](const TofuRow& row) { return row_knowledge(row, task); };
    add(names_of(task).prefix + std::string("_knowledge"), task, value, [&](const TofuRow& row) {
      return Json{{"score", metrics::or_null(value(row))}};
    });
  }

  void add_truth_ratio(TofuTask task) {
    const auto ratio = [&](const TofuRow& row) { return row_truth_ratio(row, task, options_); };
    const std::vector<double> ratios = present(log_.rows(task), ratio);
    if (ratios.empty()) return;
    store(names_of(task).truth_ratio_key, task, mean_truth_ratio(ratios, task, options_.formula),
          ratio, [&](const TofuRow& row) {
            return Json{{"score", metrics::or_null(ratio(row))}};
          });
  }

  // Unlearn-Simple's, under a name in OpenUnlearning's manner.
  void add_divergence(TofuTask task) {
    add(
        names_of(task).prefix + std::string("_KL_Divergence"), task,
        [](const TofuRow& row) { return row.kl_divergence; },
        [](const TofuRow& row) {
          return Json{{"score", metrics::or_null(row.kl_divergence)}};
        });
  }

  const TofuLog& log_;
  TofuOptions options_;
  metrics::Evaluation result_;
  std::vector<double> utility_;
  std::vector<std::string> missing_;
};

}  // namespace

metrics::Evaluation evaluate_tofu(const TofuLog& log, const TofuLog* retain,
                                  const TofuEvaluationOptions& options) {
  Report report(log, options);
  for (const TofuTask task : kTofuTasks) report.add_task(task);
  report.add_model_utility();
  report.add_forget_quality(retain);
  report.add_others(retain);
  return report.take();
}

TofuSummary tofu_summary_from_log(const TofuLog& log, const TofuLog* retain,
                                  const TofuEvaluationOptions& options) {
  metrics::Evaluation evaluation = evaluate_tofu(log, retain, options);
  TofuSummary summary;
  for (const auto& [name, metric] : evaluation.metrics) summary.values[name] = metric.value;
  summary.warnings = std::move(evaluation.warnings);
  return summary;
}

}  // namespace unlearn::benchmarks::tofu
