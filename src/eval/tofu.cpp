// TOFU (arXiv 2401.06121): locuslab/tofu's evaluate_util.py and open-unlearning's
// configs/eval/tofu_metrics, from the same passes.
#include "unlearn/metrics/tofu.h"

#include <algorithm>
#include <span>

#include "eval/attacks.h"
#include "eval/selection.h"
#include "eval/tofu_data.h"
#include "unlearn/benchmarks/tofu.h"
#include "unlearn/core/error.h"
#include "unlearn/core/python_text.h"
#include "unlearn/eval/evaluation.h"
#include "unlearn/metrics/memorization.h"
#include "unlearn/metrics/rouge.h"
#include "unlearn/metrics/tofu_log.h"
#include "unlearn/metrics/tofu_summary.h"

namespace unlearn::eval {
namespace {

using benchmarks::PerturbedRow;
using benchmarks::TofuSplit;
using metrics::Need;
using metrics::TofuTask;

// A scored text of both repositories is at most this long, and so is a generation with its prompt
// (locuslab/tofu, config/eval_everything.yaml; open-unlearning, configs/data).
constexpr int64_t kPlainLength = 200;
constexpr int64_t kChatLength = 512;

const char* kGibberish = "forget_Q_A_gibberish";

// Where one question's answers lie in the results.
struct RowPlan {
  const PerturbedRow* row = nullptr;
  std::optional<ResultId> answer, paraphrase, generation, divergence;
  std::vector<ResultId> perturbed;
};

metrics::AnswerLoss loss_of(const scoring::ExampleScore& score) {
  return {-score.mean(), -score.sum(), static_cast<int64_t>(score.logp.size()), std::nullopt};
}

class TofuEvaluation : public BenchmarkEvaluation {
 public:
  explicit TofuEvaluation(const EvaluationInputs& inputs)
      : inputs_(inputs),
        config_(inputs.config),
        selection_(config_.metrics,
                   {"probability", "normalised_probability", "rouge", "truth_ratio",
                    "model_utility", "forget_quality", "exact_memorization", "extraction_strength",
                    "mia_loss", "mia_zlib", "mia_min_k", "mia_min_k_plus_plus", "mia_reference",
                    "mia_gradnorm", "privleak", "kl_divergence", "gibberish"},
                   optional_metrics(config_)) {}

  std::string file_prefix() const override { return "TOFU"; }

  std::vector<std::string> headline() const override {
    return {"forget_quality",   "model_utility",       "forget_truth_ratio",
            "forget_Q_A_Prob",  "forget_Q_A_ROUGE",    "retain_Q_A_Prob",
            "retain_Q_A_ROUGE", "extraction_strength", "privleak"};
  }

  void plan(Plan& own, Plan& reference) override {
    data_ = load_tofu_data(inputs_, selection_.needs(Need::kHoldout));
    for (const benchmarks::TofuTaskData& task : data_.tasks) plan_task(task, own);
    plan_attacks(own, reference);
  }

  Outcome assemble(const Results& own, const Results& reference) const override {
    metrics::TofuLog log;
    log.source = "this evaluation";
    log.form = metrics::TofuLogForm::kOpenUnlearning;
    for (size_t t = 0; t < data_.tasks.size(); ++t) {
      auto& rows = log.rows(tofu_task(data_.tasks[t].split));
      for (const RowPlan& row : plans_[t]) rows.push_back(finish_row(row, own));
    }
    add_memorization(own, log);
    attacks_.add(own, reference, {config_.min_k}, log.other);
    const metrics::TofuEvaluationOptions options{
        config_.formula == "legacy" ? metrics::Formula::kLegacy : metrics::Formula::kOpenUnlearning,
        config_.truth_ratio == "prob_mean" ? metrics::FalseAnswers::kProbMean
                                           : metrics::FalseAnswers::kLossMean};
    const metrics::TofuLog* retain = data_.retain_log ? &*data_.retain_log : nullptr;
    Outcome outcome{metrics::evaluate_tofu(log, retain, options), {}};
    add_nulls(outcome.evaluation);
    selection_.filter(outcome.evaluation);
    std::vector<std::string>& warnings = outcome.evaluation.warnings;
    warnings.insert(warnings.begin(), data_.warnings.begin(), data_.warnings.end());
    cut_to_ds_size(log);
    outcome.files["eval_log_aggregated.json"] =
        metrics::tofu_aggregated_json(log, config_.log_rows == "lists");
    const auto legacy = metrics::legacy_aggregates(log, retain, options.false_answers);
    outcome.texts["aggregate_stat.txt"] = metrics::aggregate_stat_text(legacy);
    outcome.texts["aggregate_stat.csv"] = metrics::aggregate_stat_csv(legacy);
    return outcome;
  }

 private:
  static std::vector<std::string> optional_metrics(const EvalConfig& config) {
    std::vector<std::string> names = {"mia_gradnorm"};  // one backward pass per text
    if (config.reference_model.empty()) names.emplace_back("mia_reference");
    if (config.original_model.empty()) names.emplace_back("kl_divergence");
    return names;
  }

  data::Example example_of(const std::string& question, const std::string& answer) const {
    const bool chat = inputs_.prompt_template.mask_answer_tag;
    return data::make_qa_example(inputs_.tokenizer, inputs_.prompt_template, question, answer,
                                 config_.max_length.value_or(chat ? kChatLength : kPlainLength));
  }

  void plan_task(const benchmarks::TofuTaskData& task, Plan& own) {
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
        if (selection_.needs(Need::kAnswerLoss) || (forget && selection_.needs(Need::kArgmax)) ||
            attacked) {
          item.answer = own.score(example_of(row.question, row.answer));
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
      std::vector<AttackText> result;
      for (const PerturbedRow& row : rows) {
        result.push_back({row.row, example_of(row.question, row.answer)});
      }
      return result;
    };
    attacks_.plan(selection_, inputs_.tokenizer, texts(data_.forget()->rows), texts(data_.holdout),
                  own, config_.reference_model.empty() ? nullptr : &reference);
  }

  metrics::TofuRow finish_row(const RowPlan& item, const Results& own) const {
    metrics::TofuRow row;
    row.index = item.row->row;
    if (item.answer) row.answer = loss_of(own.scores[*item.answer]);
    if (item.paraphrase) row.paraphrase = loss_of(own.scores[*item.paraphrase]);
    for (const ResultId id : item.perturbed) row.perturbed.push_back(loss_of(own.scores[id]));
    if (item.divergence) row.kl_divergence = own.divergences[*item.divergence];
    if (item.generation) {
      const std::string text = tokenizer::clean_up_spaces(
          inputs_.tokenizer.decode(own.generations[*item.generation], /*skip_special=*/true));
      const std::string generation(python_strip(text));
      const metrics::RougeScores rouge = metrics::rouge(item.row->answer, generation, true);
      row.rouge1_recall = rouge.rouge1.recall;
      row.rouge_l_recall = rouge.rouge_l.recall;
      row.rouge_l_f1 = rouge.rouge_l.f1;
      row.text = {prompt_text(item.row->question), generation, item.row->answer};
    }
    return row;
  }

  std::string prompt_text(const std::string& question) const {
    const data::Template& t = inputs_.prompt_template;
    return t.prompt(question, t.mask_answer_tag);
  }

  void add_memorization(const Results& own, metrics::TofuLog& log) const {
    Json exact = Json::object(), strength = Json::object();
    for (size_t t = 0; t < data_.tasks.size(); ++t) {
      if (data_.tasks[t].split != TofuSplit::kForget) continue;
      for (const RowPlan& row : plans_[t]) {
        if (!row.answer) continue;
        const auto& matches = own.scores[*row.answer].argmax_matches;
        const std::span<const uint8_t> hits(matches.data(),
                                            matches.empty() ? 0 : matches.size() - 1);
        const auto share = metrics::exact_memorization(hits);
        const std::string index = std::to_string(row.row->row);
        exact[index] = {{"score", share ? Json(*share) : Json(nullptr)}};
        strength[index] = {{"score", metrics::extraction_strength(hits, config_.es_strict)}};
      }
    }
    const auto add = [&](const char* name, Json rows) {
      if (!selection_.has(name) || rows.empty()) return;
      log.other[name].details["value_by_index"] = std::move(rows);
    };
    add("exact_memorization", std::move(exact));
    add("extraction_strength", std::move(strength));
  }

  // Metrics that were asked for and have nothing to stand on.
  void add_nulls(metrics::Evaluation& evaluation) const {
    const auto add = [&](const std::string& name, const std::string& reason) {
      evaluation.metrics[name] = {};
      evaluation.warnings.push_back(cat(name, " is null: ", reason));
    };
    if (!data_.missing_holdout.empty()) {
      for (const metrics::Metric& metric : metrics::registered_metrics()) {
        if (metric.attack == nullptr && metric.name != "privleak") continue;
        if (!selection_.has(metric.name)) continue;
        add(metric.name,
            cat("it needs texts that no model was trained on (", data_.missing_holdout, ")"));
      }
    } else if (selection_.has("mia_reference") && config_.reference_model.empty()) {
      add("mia_reference", "it needs a reference model (eval.reference_model)");
    }
    if (selection_.has("kl_divergence") && config_.original_model.empty()) {
      for (const benchmarks::TofuTaskData& task : data_.tasks) {
        add(cat(metrics::names_of(tofu_task(task.split)).prefix, "_KL_Divergence"),
            "it needs the model before unlearning (eval.original_model)");
      }
    }
    if (selection_.has("gibberish")) {
      add(kGibberish,
          "it needs a text classifier (autonlp-Gibberish-Detector), which is not built in");
    }
  }

  void cut_to_ds_size(metrics::TofuLog& log) const {
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
  Attacks attacks_;
};

}  // namespace

std::unique_ptr<BenchmarkEvaluation> make_tofu_evaluation(const EvaluationInputs& inputs) {
  return std::make_unique<TofuEvaluation>(inputs);
}

}  // namespace unlearn::eval
