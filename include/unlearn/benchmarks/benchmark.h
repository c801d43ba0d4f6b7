// What a benchmark is: data to train on, an evaluation, logs to recompute. Each is a folder
// src/benchmarks/<name> with make_benchmark() and a line BENCHMARK(<name>) in benchmarks.def.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "unlearn/data/layout.h"
#include "unlearn/data/pair_stream.h"
#include "unlearn/eval/eval_config.h"
#include "unlearn/eval/evaluation.h"
#include "unlearn/eval/questions.h"
#include "unlearn/eval/selection.h"
#include "unlearn/metrics/eval_log.h"

namespace unlearn::benchmarks {

struct BenchmarkInfo {
  std::string name;                      // "tofu"
  std::string help;                      // one line
  std::vector<std::string> splits = {};  // to forget: whose defaults `unlearn list methods` shows
};

// Stored evaluations and how to read them (`unlearn metrics`).
struct StoredLogs {
  std::string log, retain_log;  // files or run folders; no retain log: empty
  eval::FalseAnswers truth_ratio = eval::FalseAnswers::kLossMean;  // TOFU
  std::optional<eval::TofuFormula> formula = std::nullopt;         // TOFU; unset: the log's own
  std::string corpus = "";                                         // MUSE: news or books
};
struct Recomputed {
  metrics::Evaluation evaluation;
  // Values under another code base's names, and files in its forms.
  std::vector<std::pair<std::string, std::optional<double>>> legacy = {};
  std::map<std::string, std::string> texts = {};
};

// One measure of an evaluation that says how much of the forget set is known, row by row.
struct KnowledgeMetric {
  std::string name;  // "probability"
  std::string key;   // in the evaluation's report: "forget_Q_A_Prob"
  // Of one of its rows ("value_by_index"), higher = more knowledge; null: a model that diverged.
  std::optional<double> (*of_row)(const Json& row);
};

// What an audit (attacks on a model that is said to have forgotten) reads of a benchmark.
struct AuditSupport {
  std::vector<KnowledgeMetric> knowledge = {};  // the most telling one first
  std::vector<std::string> metrics = {};        // eval.metrics that make them and the utility
  // What the model is to keep, above 0 and the higher the better; none: not known.
  std::optional<double> (*utility)(const metrics::EvalReport& report) = nullptr;
  // Leaves out of an evaluation after an attack what the audit does not read; null: nothing.
  void (*narrow)(eval::EvalConfig& config) = nullptr;
  // Leaves out, on the way of an attack, what only the utility is made of; null: nothing.
  void (*knowledge_only)(eval::EvalConfig& config) = nullptr;
  // Null: the benchmark asks no questions that can be put in other words.
  std::optional<eval::Questions> (*questions)(const eval::EvaluationInputs& inputs) = nullptr;
};

struct Benchmark {
  BenchmarkInfo info;
  data::Layout layout;  // of the training data
  // Training and evaluation put questions into the model's prompt template.
  bool reads_template = false;
  // People's own questions, which are asked as the model's users ask: by the folder's own chat
  // template where model.template is auto.
  bool is_own_data = false;
  // Which retain row a forget row gets with data.pairing: auto and shuffling; null: random.
  data::Pairing (*default_pairing)(const data::DataConfig& config) = nullptr;
  // The evaluation and the metrics that it reports; null: there is none.
  std::unique_ptr<eval::BenchmarkEvaluation> (*make_evaluation)(
      const eval::EvaluationInputs& inputs) = nullptr;
  eval::MetricOffer (*offer)(const eval::EvalConfig& config) = nullptr;
  // data.forget of an evaluation where nobody says it; unset: the section's default.
  std::optional<std::string> evaluated_forget = std::nullopt;
  // Every aggregate of a stored evaluation, and the prefix of the evaluation's files; null: none.
  Recomputed (*recompute)(const StoredLogs& logs) = nullptr;
  AuditSupport audit = {};
  std::string file_prefix = "";  // "TOFU" of TOFU_EVAL.json
};

// In the order of benchmarks.def.
const std::vector<Benchmark>& registered_benchmarks();
// Null when there is none of that name.
const Benchmark* find_benchmark(const std::string& name);
std::vector<std::string> benchmark_names();

// UserError names the benchmarks that have one.
std::unique_ptr<eval::BenchmarkEvaluation> make_evaluation(const std::string& benchmark,
                                                           const eval::EvaluationInputs& inputs);

// The `data:` section: a benchmark's name, and what its layout reads.
struct DataSection : data::DataConfig {
  std::string benchmark = "tofu";
  void visit(config::FieldVisitor& visitor);
  const Benchmark& chosen() const;
};

}  // namespace unlearn::benchmarks
