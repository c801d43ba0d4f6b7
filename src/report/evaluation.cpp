#include "report/evaluation.h"

#include <algorithm>
#include <cmath>

#include "report/json_path.h"
#include "unlearn/core/error.h"
#include "unlearn/metrics/own_data/fluency.h"

namespace unlearn::report {
namespace fs = std::filesystem;
namespace {

// Tasks whose rows hold questions and answers, the first one there is taken.
constexpr const char* kAnswered[] = {"forget_Q_A_ROUGE", "forget_knowmem_ROUGE",
                                     "forget_verbmem_ROUGE"};
constexpr const char* kKeptTask = "retain_Q_A_ROUGE";

std::optional<double> number_at(const Json& value, const std::vector<std::string>& keys) {
  const Json found = at_path(value, keys);
  return found.is_number() ? std::optional(found.get<double>()) : std::nullopt;
}

// The rows of one task with an answer, in row order.
std::vector<Answer> answers_of(const Json& eval, const std::string& task) {
  std::vector<Answer> answers;
  const Json rows = at_path(eval, {task, "value_by_index"});
  if (!rows.is_object()) return answers;
  for (const auto& [index, row] : rows.items()) {
    if (!row.is_object() || !row.contains("generation")) continue;
    answers.push_back({std::atoll(index.c_str()),
                       plain_question(shown_text(at_path(row, {"input"}))),
                       shown_text(at_path(row, {"ground_truth"})), shown_text(row.at("generation")),
                       number_at(eval, {"forget_Q_A_Prob", "value_by_index", index, "prob"}),
                       number_at(row, {"rougeL_recall"})});
  }
  std::stable_sort(answers.begin(), answers.end(),
                   [](const Answer& a, const Answer& b) { return a.row < b.row; });
  return answers;
}

metrics::own_data::Fluency fluency_of(const std::vector<Answer>& answers) {
  std::vector<std::string> texts;
  for (const Answer& answer : answers) texts.push_back(answer.generation);
  return metrics::own_data::fluency(texts);
}

double share(int64_t part, int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

void count_fluency(const Json& eval, Evaluation& result) {
  // An evaluation of own data counted for itself.
  if (!result.answers.empty() && !result.metrics.contains("forget_broken")) {
    const auto fluency = fluency_of(result.answers);
    result.metrics["forget_broken"] = share(fluency.broken, fluency.outputs);
    result.metrics["forget_alike"] = share(fluency.alike, fluency.outputs);
    result.metrics["forget_distinct_2"] = fluency.distinct2;
    result.mostly_refuses = 2 * fluency.refusals >= fluency.outputs;
  }
  const std::vector<Answer> kept = answers_of(eval, kKeptTask);
  if (!kept.empty() && !result.metrics.contains("retain_broken")) {
    const auto fluency = fluency_of(kept);
    result.metrics["retain_broken"] = share(fluency.broken, fluency.outputs);
  }
}

void read_summary(const fs::path& file, Evaluation& result) {
  const Json summary = read_json(file);
  if (!summary.is_object()) user_error(file.string(), ": must be an object of metric: number");
  for (const auto& [name, value] : summary.items()) {
    if (!value.is_null() && !value.is_number()) {
      user_error(file.string(), ": '", name, "' must be a number or null, not ", value.dump());
    }
    result.metrics[name] = value.is_null() ? std::nullopt : std::optional(value.get<double>());
  }
}

void read_rows(const fs::path& file, Evaluation& result) {
  const Json eval = read_json(file);
  for (const char* task : kAnswered) {
    if (result.answers.empty()) result.answers = answers_of(eval, task);
  }
  count_fluency(eval, result);
}

void add_fluency(const Json& fluency, const std::string& prefix, Evaluation& result) {
  const auto outputs = number_at(fluency, {"outputs"});
  if (!outputs || *outputs == 0) return;
  const auto add = [&](const char* name, const char* key) {
    if (const auto count = number_at(fluency, {key})) {
      result.metrics[prefix + name] = *count / *outputs;
    }
  };
  add("_broken", "broken");
  if (prefix != "forget") return;
  add("_alike", "alike");
  result.metrics["forget_distinct_2"] = number_at(fluency, {"distinct_2"});
  result.mostly_refuses = 2 * number_at(fluency, {"refusals"}).value_or(0) >= *outputs;
}

}  // namespace

std::optional<double> Evaluation::metric(const std::string& metric_name) const {
  const auto found = metrics.find(metric_name);
  return found == metrics.end() ? std::nullopt : found->second;
}

bool Evaluation::is_ruined() const {
  const double broken = metric("forget_broken").value_or(0);
  const double alike = metric("forget_alike").value_or(0);
  const bool has_enough = answers.size() >= 4;
  return broken >= 0.25 || (has_enough && alike > 0.5 && !mostly_refuses);
}

std::optional<Evaluation> read_evaluation(const fs::path& folder) {
  if (!fs::is_directory(folder)) return std::nullopt;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::optional<Evaluation> result;
  for (const fs::path& file : files) {
    if (!file.filename().string().ends_with("_SUMMARY.json")) continue;
    if (!result) result.emplace();
    read_summary(file, *result);
  }
  for (const fs::path& file : files) {
    if (result && file.filename().string().ends_with("_EVAL.json")) read_rows(file, *result);
  }
  return result;
}

Evaluation evaluation_of_verdict(const Json& verdict, Side side) {
  const std::string end = side == Side::kBefore ? "_before" : "_after";
  const std::string moment = side == Side::kBefore ? "before" : "after";
  Evaluation result;
  const auto add = [&](const char* name, const std::vector<std::string>& keys) {
    if (const auto value = number_at(verdict, keys)) result.metrics[name] = *value;
  };
  const Json& rows = verdict.at("rows");
  add("forget_AUC", {"forget", "auc" + end});
  add("forget_logprob", {"forget", "mean_logprob" + end});
  add("retain_held_out_logprob", {"retain", "held_out", "mean_logprob" + end});
  add("general_text_logprob", {"retain", "general_text", "mean_logprob" + end});
  add("cross_leaks", {side == Side::kBefore ? "cross_leaks_before" : "cross_leaks"});
  if (const auto count = number_at(verdict, {"forget", "extracted" + end});
      count && !rows.empty()) {
    result.metrics["forget_extracted"] = *count / static_cast<double>(rows.size());
  }
  const Json leak =
      at_path(verdict, {"forget", side == Side::kBefore ? "leak_at_k_before" : "leak_at_k"});
  if (leak.is_array() && !leak.empty()) {
    result.metrics["leak_at_k"] = number_at(leak.back(), {"leak"});
  }
  const Json attacks = at_path(verdict, {"membership"});
  if (attacks.is_object()) {
    for (const auto& [name, attack] : attacks.items()) {
      if (const auto auc = number_at(attack, {moment, "auc"})) result.metrics[name] = *auc;
    }
  }
  for (const char* set : {"forget", "retain"}) {
    add_fluency(at_path(verdict, {"fluency", set + end}), set, result);
  }
  for (const Json& row : rows) {
    const auto logprob = number_at(row, {"logprob" + end});
    result.answers.push_back({at_path(row, {"row"}).is_number() ? row.at("row").get<int64_t>() : 0,
                              shown_text(at_path(row, {"question"})),
                              shown_text(at_path(row, {"answer"})),
                              shown_text(at_path(row, {"output" + end})),
                              logprob ? std::optional(std::exp(*logprob)) : std::nullopt,
                              number_at(row, {"rouge_l_recall" + end})});
  }
  return result;
}

}  // namespace unlearn::report
