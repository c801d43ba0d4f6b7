// MUSE (arXiv 2407.06460): swj0419/muse_bench's metrics, or open-unlearning's (eval.suite: ou).
#include <algorithm>
#include <cmath>
#include <span>

#include "benchmarks/muse/aggregates.h"
#include "benchmarks/muse/module.h"
#include "benchmarks/muse/questions.h"
#include "unlearn/core/error.h"
#include "unlearn/data/examples.h"
#include "unlearn/eval/text_metrics.h"
#include "unlearn/tokenizer/lower_case.h"

namespace unlearn::benchmarks::muse {

using eval::BenchmarkEvaluation;
using eval::EvalConfig;
using eval::EvaluationInputs;
using eval::MetricSelection;
using eval::MetricText;
using eval::Outcome;
using eval::Plan;
using eval::Results;
using eval::TextMetrics;

namespace {
namespace fs = std::filesystem;

// muse_bench, eval.py; open-unlearning's configs say the same.
constexpr int64_t kVerbmemTokens = 128;
constexpr int64_t kKnowmemTokens = 32;
// open-unlearning cuts texts this many tokens behind their prefix; muse_bench's are whole.
constexpr size_t kTextLength = 2048;
const std::vector<std::string> kKnowmemStops = {"\n\n", "\nQuestion", "Question:"};

struct PromptPlan {
  MusePrompt item;
  std::string truth;  // what ROUGE compares with
  eval::GenerationId generation;
};
struct TextPlan {
  MuseText item;
  eval::ScoreId score, lower_cased;
};
struct PromptTask {
  std::string key, short_name;  // "forget_verbmem_ROUGE", "verbmem_f"
  std::vector<PromptPlan> rows;
};

// "news" of data/news/, or of "." inside of it.
std::string folder_name(const fs::path& folder) {
  return (fs::absolute(folder).lexically_normal() / "").parent_path().filename().string();
}

class MuseEvaluation : public BenchmarkEvaluation {
 public:
  explicit MuseEvaluation(const EvaluationInputs& inputs)
      : inputs_(inputs),
        ou_(inputs.config.suite == eval::MuseSuite::kOpenUnlearning),
        selection_(inputs.config, offer(inputs.config)) {}

  std::string file_prefix() const override { return kFilePrefix; }
  std::vector<std::string> headline() const override {
    return {"forget_verbmem_ROUGE", "forget_knowmem_ROUGE", "retain_knowmem_ROUGE", "privleak"};
  }

  void plan(Plan& own, Plan&) override {
    const EvalConfig& config = inputs_.config;
    if (config.splits != std::vector<std::string>{"all"}) {
      user_error("eval.splits: MUSE has no splits to choose from; use all, and eval.metrics");
    }
    corpus_ = muse_corpus_folder(inputs_.data.root, inputs_.data.forget);
    if (!config.retain_log.empty()) {
      retain_source_ =
          metrics::eval_log_file(config.retain_log, kFilePrefix, "eval.retain_log").string();
      retain_ = read_muse_log(retain_source_);
    }
    if (selection_.has("verbmem") || selection_.has_scores()) {
      plan_verbmem(read_verbmem(corpus_, config.rows), own);
    }
    if (selection_.has("knowmem")) {
      for (const char* side : {"forget", "retain"}) {
        plan_knowmem(side, read_knowmem(corpus_, side, config.rows), own);
      }
    }
    if (ou_ ? selection_.needs(metrics::Need::kHoldout) : selection_.has("privleak")) {
      plan_texts(own);
    }
  }

  Outcome assemble(const Results& own, const Results& reference) const override {
    metrics::EvalReport report;
    Outcome outcome;
    for (const PromptTask& task : tasks_) add_task(task, own, report, outcome);
    if (ou_) {
      text_metrics_.add(own, reference, {inputs_.config.min_k, inputs_.config.es_strict}, report);
    } else if (!texts_.empty()) {
      add_attack_values(own, report, outcome);
    }
    const std::string corpus = ou_ ? "" : muse_corpus(folder_name(corpus_));
    outcome.evaluation = evaluate_muse_log(report, "this evaluation", retain_ ? &*retain_ : nullptr,
                                           retain_source_, corpus);
    selection_.filter(outcome.evaluation);
    return outcome;
  }

 private:
  std::string decoded(std::span<const int32_t> ids) const {
    return tokenizer::clean_up_spaces(inputs_.tokenizer.decode(ids, /*skip_special=*/true));
  }

  // muse_bench compares with the first 128 tokens of the truth, tokenised alone (BOS is one of
  // them); open-unlearning with all that follows the prompt.
  void plan_verbmem(std::vector<MusePrompt> rows, Plan& own) {
    PromptTask task{"forget_verbmem_ROUGE", "verbmem_f", {}};
    for (MusePrompt& row : rows) {
      PromptPlan item{std::move(row), "", 0};
      const std::vector<int32_t> prompt = inputs_.tokenizer.encode(item.item.prompt, true);
      if (ou_) {
        data::Example whole = continued(item.item.prompt, item.item.prompt + " " + item.item.truth);
        item.truth = decoded(std::span(whole.labels).last(static_cast<size_t>(whole.num_labels)));
        text_metrics_.plan_mean(selection_, inputs_.tokenizer, {item.item.row, std::move(whole)},
                                own);
      } else {
        std::vector<int32_t> truth = inputs_.tokenizer.encode(item.item.truth, true);
        truth.resize(std::min<size_t>(truth.size(), kVerbmemTokens));
        item.truth = decoded(truth);
      }
      item.generation = own.generate(prompt, {kVerbmemTokens, 0, {}});
      task.rows.push_back(std::move(item));
    }
    tasks_.push_back(std::move(task));
  }

  void plan_knowmem(const std::string& side, std::vector<MusePrompt> rows, Plan& own) {
    PromptTask task{side + "_knowmem_ROUGE", side == "forget" ? "knowmem_f" : "knowmem_r", {}};
    for (MusePrompt& row : rows) {
      PromptPlan item{std::move(row), "", 0};
      item.truth = item.item.truth;
      item.generation =
          own.generate(inputs_.tokenizer.encode(item.item.prompt, true), knowmem_limits());
      task.rows.push_back(std::move(item));
    }
    tasks_.push_back(std::move(task));
  }

  void plan_texts(Plan& own) {
    std::map<std::string, std::vector<MetricText>> attacked;
    for (const char* split : {"forget", "holdout", "retain"}) {
      if (ou_ && std::string(split) == "retain") continue;
      for (MuseText& text : read_privleak(corpus_, split, inputs_.config.rows)) {
        if (ou_) {
          attacked[split].push_back({text.row, continued("", text.text)});
          continue;
        }
        data::Example example = example_of(text.text, split, text.row);
        TextPlan item{std::move(text), own.score(std::move(example)), 0};
        item.lower_cased =
            own.score(example_of(tokenizer::lower_case(item.item.text), split, item.item.row));
        texts_[split].push_back(std::move(item));
      }
    }
    if (!ou_) return;
    text_metrics_.plan_attacks(selection_, inputs_.tokenizer, attacked["forget"],
                               attacked["holdout"], own, nullptr);
  }

  // A text that begins with `prefix`, which is no label, as open-unlearning prepares it (src/data,
  // CompletionDataset): cut 2,048 tokens behind the prefix, whose tokens are those that it has by
  // itself; the first token is never a label. There may be no label.
  data::Example continued(const std::string& prefix, const std::string& text) const {
    const size_t begin = inputs_.tokenizer.encode(prefix, true).size();
    data::Example example;
    example.tokens = inputs_.tokenizer.encode(text, true);
    if (example.tokens.size() > begin + kTextLength) example.tokens.resize(begin + kTextLength);
    example.labels = example.tokens;
    const size_t masked = std::min(std::max<size_t>(begin, 1), example.labels.size());
    std::fill_n(example.labels.begin(), masked, data::kIgnored);
    example.num_labels = static_cast<int64_t>(example.labels.size() - masked);
    return example;
  }

  data::Example example_of(const std::string& text, const std::string& split, int64_t row) const {
    try {
      return data::make_text_example(inputs_.tokenizer, text, 0);
    } catch (const UserError& error) {
      user_error("privleak/", split, ".json: row ", row, ": ", error.what());
    }
  }

  void add_task(const PromptTask& task, const Results& own, metrics::EvalReport& report,
                Outcome& outcome) const {
    if (task.short_name == "verbmem_f" && !selection_.has("verbmem")) return;
    std::vector<metrics::RougeScores> scores;
    Json rows = Json::object();
    for (const PromptPlan& row : task.rows) {
      std::string response = decoded(own[row.generation]);
      if (task.short_name != "verbmem_f") response = cut_knowmem_output(response);
      const metrics::RougeScores rouge = muse_rouge(row.truth, response, ou_);
      scores.push_back(rouge);
      rows[std::to_string(row.item.row)] = {{"prompt", row.item.prompt},
                                            {"ground_truth", row.truth},
                                            {"generation", response},
                                            {"rougeL_f1", rouge.rouge_l.f1},
                                            {"rougeL_recall", rouge.rouge_l.recall},
                                            {"rouge1_f1", rouge.rouge1.f1},
                                            {"rouge1_recall", rouge.rouge1.recall}};
    }
    report[task.key].details["value_by_index"] = std::move(rows);
    if (!ou_) {
      outcome.files[cat("muse_", task.short_name, "_agg.json")] =
          Json(muse_rouge_aggregates(scores));
    }
  }

  // All of muse_bench's attack values; Min-40% is stored as mia_min_k, which privleak is made from.
  void add_attack_values(const Results& own, metrics::EvalReport& report, Outcome& outcome) const {
    std::map<std::string, std::vector<AttackValues>> values;
    for (const auto& [split, texts] : texts_) {
      Json rows = Json::object();
      for (const TextPlan& text : texts) {
        values[split].push_back(
            muse_attack_values(text.item.text, own[text.score].logp, own[text.lower_cased].logp));
        const double score = values[split].back().at("Min-40%");
        rows[std::to_string(text.item.row)] = {
            {"score", std::isfinite(score) ? Json(score) : Json(nullptr)}};
      }
      if (split != "retain") {
        report["mia_min_k"].details[split] = {{"value_by_index", std::move(rows)}};
      }
    }
    Json table = Json::object();
    for (const auto& [key, auc] : muse_auc_table(values)) {
      table[key] = auc ? Json(*auc) : Json(nullptr);
    }
    outcome.files["muse_privleak_auc.json"] = std::move(table);
  }

  EvaluationInputs inputs_;
  bool ou_;
  MetricSelection selection_;
  std::vector<PromptTask> tasks_;
  std::map<std::string, std::vector<TextPlan>> texts_;
  TextMetrics text_metrics_;
  std::optional<metrics::EvalReport> retain_;
  fs::path corpus_;
  std::string retain_source_;
};

}  // namespace

eval::GenerationLimits knowmem_limits() { return {kKnowmemTokens, 0, kKnowmemStops}; }

std::unique_ptr<BenchmarkEvaluation> make_evaluation(const EvaluationInputs& inputs) {
  return std::make_unique<MuseEvaluation>(inputs);
}

}  // namespace unlearn::benchmarks::muse
