// TOFU (arXiv 2401.06121): locuslab/tofu's evaluate_util.py and open-unlearning's
// configs/eval/tofu_metrics, from the same passes.
#include <algorithm>
#include <span>

#include "benchmarks/tofu/formulas.h"
#include "benchmarks/tofu/inputs.h"
#include "benchmarks/tofu/log.h"
#include "benchmarks/tofu/module.h"
#include "benchmarks/tofu/summary.h"
#include "unlearn/core/error.h"
#include "unlearn/core/python_text.h"
#include "unlearn/data/examples.h"
#include "unlearn/eval/text_metrics.h"
#include "unlearn/metrics/rouge.h"

namespace unlearn::benchmarks::tofu {

using eval::BenchmarkEvaluation;
using eval::EvalConfig;
using eval::EvaluationInputs;
using eval::GenerationLimits;
using eval::MetricSelection;
using eval::MetricText;
using eval::Outcome;
using eval::Plan;
using eval::Results;
using eval::TextMetrics;

namespace {

using metrics::Need;

// Where one question's answers lie in the results.
struct RowPlan {
  const PerturbedRow* row = nullptr;
  std::optional<eval::ScoreId> answer, paraphrase;
  std::optional<eval::GenerationId> generation;
  std::optional<eval::DivergenceId> divergence;
  std::vector<eval::ScoreId> perturbed;
};

AnswerLoss loss_of(const scoring::ExampleScore& score) {
  return {-score.mean(), -score.sum(), static_cast<int64_t>(score.logp.size()), std::nullopt};
}

class TofuEvaluation : public BenchmarkEvaluation {
 public:
  explicit TofuEvaluation(const EvaluationInputs& inputs)
      : inputs_(inputs), config_(inputs.config), selection_(config_, offer(config_)) {}

  std::string file_prefix() const override { return kFilePrefix; }

  std::vector<std::string> headline() const override {
    return {"forget_quality",   "model_utility",       "forget_truth_ratio",
            "forget_Q_A_Prob",  "forget_Q_A_ROUGE",    "retain_Q_A_Prob",
            "retain_Q_A_ROUGE", "extraction_strength", "privleak"};
  }

  void plan(Plan& own, Plan& reference) override {
    data_ = load_tofu_data(inputs_, selection_.needs(Need::kHoldout));
    for (const TofuTaskData& task : data_.tasks) plan_task(task, own);
    plan_attacks(own, reference);
  }

  Outcome assemble(const Results& own, const Results& reference) const override {
    TofuLog log;
    log.source = "this evaluation";
    log.form = TofuLogForm::kOpenUnlearning;
    for (size_t t = 0; t < data_.tasks.size(); ++t) {
      auto& rows = log.rows(tofu_task(data_.tasks[t].split));
      for (const RowPlan& row : plans_[t]) rows.push_back(finish_row(row, own));
      if (selection_.has("other_rouge")) add_other_rouge(data_.tasks[t], rows);
    }
    text_metrics_.add(own, reference, {config_.min_k, config_.es_strict}, log.other);
    const TofuEvaluationOptions options{config_.formula, config_.truth_ratio};
    const TofuLog* retain = data_.retain_log ? &*data_.retain_log : nullptr;
    Outcome outcome{evaluate_tofu(log, retain, options), {}};
    add_nulls(outcome.evaluation);
    selection_.filter(outcome.evaluation);
    std::vector<std::string>& warnings = outcome.evaluation.warnings;
    warnings.insert(warnings.begin(), data_.warnings.begin(), data_.warnings.end());
    cut_to_ds_size(log);
    outcome.files["eval_log_aggregated.json"] =
        tofu_aggregated_json(log, config_.log_rows == eval::LogRows::kLists);
    const auto legacy = legacy_aggregates(log, retain, options.false_answers);
    outcome.texts["aggregate_stat.txt"] = aggregate_stat_text(legacy);
    outcome.texts["aggregate_stat.csv"] = aggregate_stat_csv(legacy);
    return outcome;
  }

 private:
  data::Example example_of(const std::string& question, const std::string& answer) const {
    const bool chat = inputs_.prompt_template.mask_answer_tag;
    return data::make_qa_example(inputs_.tokenizer, inputs_.prompt_template, question, answer,
                                 config_.max_length.value_or(chat ? kChatLength : kPlainLength));
  }

  void plan_task(const TofuTaskData& task, Plan& own) {
    const bool chat = inputs_.prompt_template.mask_answer_tag;
    const GenerationLimits limits{
        config_.max_new_tokens, config_.max_total_tokens.value_or(chat ? 0 : kPlainLength), {}};
    const bool forget = task.split == TofuSplit::kForget;
    const bool attacked = forget && selection_.needs(Need::kHoldout);
    std::vector<RowPlan>& plans = plans_.emplace_back();
    for (const PerturbedRow& row : task.rows) {
      RowPlan& item = plans.emplace_back();
      item.row = &row;
      try {
        if (selection_.needs(Need::kAnswerLoss) || attacked ||
            (forget && selection_.has_scores())) {
          item.answer = own.score(example_of(row.question, row.answer));
        }
        if (forget && selection_.has_scores()) {
          text_metrics_.plan_mean(selection_, inputs_.tokenizer,
                                  {row.row, example_of(row.question, row.answer)}, own);
        }
        if (selection_.needs(Need::kParaphraseLoss)) {
          const std::string& truth =
              row.paraphrased_answer.empty() ? row.answer : row.paraphrased_answer;
          item.paraphrase = own.score(example_of(row.question, truth));
        }
        if (selection_.needs(Need::kPerturbedLoss)) {
          for (const std::string& answer : row.perturbed_answers) {
            item.perturbed.push_back(own.score(example_of(row.question, answer)));
          }
        }
        if (selection_.needs(Need::kOriginalModel) && !config_.original_model.empty()) {
          item.divergence = own.divergence(example_of(row.question, row.answer));
        }
        if (selection_.needs(Need::kGeneration)) {
          item.generation = own.generate(
              data::make_qa_prompt(inputs_.tokenizer, inputs_.prompt_template, row.question),
              limits);
        }
      } catch (const UserError& error) {
        user_error(task.file.string(), ": row ", row.row, ": ", error.what());
      }
    }
  }

  void plan_attacks(Plan& own, Plan& reference) {
    if (!selection_.needs(Need::kHoldout) || data_.holdout.empty()) return;
    const auto texts = [&](const std::vector<PerturbedRow>& rows) {
      std::vector<MetricText> result;
      for (const PerturbedRow& row : rows) {
        result.push_back({row.row, example_of(row.question, row.answer)});
      }
      return result;
    };
    text_metrics_.plan_attacks(selection_, inputs_.tokenizer, texts(data_.forget()->rows),
                               texts(data_.holdout), own,
                               config_.reference_model.empty() ? nullptr : &reference);
  }

  TofuRow finish_row(const RowPlan& item, const Results& own) const {
    TofuRow row;
    row.index = item.row->row;
    if (item.answer) row.answer = loss_of(own[*item.answer]);
    if (item.paraphrase) row.paraphrase = loss_of(own[*item.paraphrase]);
    for (const eval::ScoreId id : item.perturbed) row.perturbed.push_back(loss_of(own[id]));
    if (item.divergence) row.kl_divergence = own[*item.divergence];
    if (item.generation) {
      const std::string text = tokenizer::clean_up_spaces(
          inputs_.tokenizer.decode(own[*item.generation], /*skip_special=*/true));
      const std::string generation(python_strip(text));
      const metrics::RougeScores rouge = metrics::rouge(item.row->answer, generation, true);
      row.rouge1_recall = rouge.rouge1.recall;
      row.rouge_l_recall = rouge.rouge_l.recall;
      row.rouge_l_f1 = rouge.rouge_l.f1;
      row.text = {prompt_text(item.row->question), generation, item.row->answer};
    }
    return row;
  }

  // Of tasks with paraphrased answers (forget and retain), as in OpenUnlearning's configurations.
  static void add_other_rouge(const TofuTaskData& task, std::vector<TofuRow>& rows) {
    const auto rouge_of = [](const std::string& reference, const TofuRow& row) {
      const metrics::RougeScores rouge = metrics::rouge(reference, row.text->at(1), true);
      return AnswerRouge{rouge.rouge1.recall, rouge.rouge_l.f1, rouge.rouge_l.recall};
    };
    for (size_t i = 0; i < rows.size(); ++i) {
      const PerturbedRow& asked = task.rows[i];
      if (!rows[i].text || asked.paraphrased_answer.empty()) continue;
      rows[i].paraphrase_rouge = rouge_of(asked.paraphrased_answer, rows[i]);
      for (const std::string& answer : asked.perturbed_answers) {
        rows[i].perturbed_rouge.push_back(rouge_of(answer, rows[i]));
      }
    }
  }

  std::string prompt_text(const std::string& question) const {
    const data::Template& t = inputs_.prompt_template;
    return t.prompt(question, t.mask_answer_tag);
  }

  // Metrics that were asked for and have nothing to stand on.
  void add_nulls(metrics::Evaluation& evaluation) const {
    const auto add = [&](const std::string& name, const std::string& reason) {
      evaluation.metrics[name] = {};
      evaluation.warnings.push_back(cat(name, " is null: ", reason));
    };
    if (!data_.missing_holdout.empty()) {
      for (const metrics::Metric* metric : selection_.selected()) {
        if (!eval::needs(*metric, Need::kHoldout)) continue;
        add(metric->name,
            cat("it needs texts that no model was trained on (", data_.missing_holdout, ")"));
      }
    } else if (config_.reference_model.empty()) {
      for (const metrics::Metric* metric : selection_.selected()) {
        if (!eval::needs(*metric, Need::kReferenceModel)) continue;
        add(metric->name, "it needs a reference model (eval.reference_model)");
      }
    }
    if (selection_.has("kl_divergence") && config_.original_model.empty()) {
      for (const TofuTaskData& task : data_.tasks) {
        add(cat(names_of(tofu_task(task.split)).prefix, "_KL_Divergence"),
            "it needs the model before unlearning (eval.original_model)");
      }
    }
  }

  void cut_to_ds_size(TofuLog& log) const {
    if (config_.ds_size == 0) return;
    const auto limit = static_cast<size_t>(config_.ds_size);
    for (auto& rows : log.tasks) {
      if (rows.size() > limit) rows.resize(limit);
    }
  }

  EvaluationInputs inputs_;
  const EvalConfig& config_;
  MetricSelection selection_;
  TofuData data_;
  std::vector<std::vector<RowPlan>> plans_;  // like data_.tasks
  TextMetrics text_metrics_;
};

}  // namespace

std::unique_ptr<BenchmarkEvaluation> make_evaluation(const EvaluationInputs& inputs) {
  return std::make_unique<TofuEvaluation>(inputs);
}

}  // namespace unlearn::benchmarks::tofu
