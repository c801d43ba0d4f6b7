#include <algorithm>
#include <cmath>

#include "benchmarks/tofu/columns.h"
#include "benchmarks/tofu/log_forms.h"
#include "unlearn/core/error.h"

namespace unlearn::benchmarks::tofu {
namespace {

std::optional<double> number_in(const Json& row, const char* field, const std::string& where) {
  const auto value = row.find(field);
  if (value == row.end() || value->is_null()) return std::nullopt;
  return metrics::log_number(*value, cat(where, ": ", field));
}

// From the stored loss and probability; a log may hold either, a diverged model's row neither.
AnswerLoss answer_of(const Json& loss, const Json& probability, const std::string& where) {
  AnswerLoss answer;
  if (!probability.is_null()) {
    answer.probability = metrics::log_number(probability, cat(where, ": prob"));
  }
  if (!loss.is_null() || probability.is_null()) {
    answer.mean = metrics::log_number(loss, cat(where, ": avg_loss"));
  }
  return answer;
}

AnswerLoss read_answer(const Json& row, const std::string& where) {
  if (!row.contains("avg_loss")) user_error(where, ": no avg_loss");
  return answer_of(row.at("avg_loss"), row.value("prob", Json()), where);
}

std::vector<AnswerLoss> read_answers(const Json& row, const std::string& where) {
  const auto losses = row.find("avg_loss");
  if (losses == row.end()) user_error(where, ": no avg_loss");
  if (losses->is_null()) return {};
  // Data with a single perturbed answer store a plain number.
  if (losses->is_number()) return {read_answer(row, where)};
  if (!losses->is_array() || losses->empty()) user_error(where, ": avg_loss is no list of numbers");
  const auto probabilities = row.find("prob");
  const bool stored = probabilities != row.end() && probabilities->is_array();
  if (stored && probabilities->size() != losses->size()) {
    user_error(where, ": ", probabilities->size(), " values of prob for ", losses->size(),
               " of avg_loss");
  }
  std::vector<AnswerLoss> answers;
  for (size_t k = 0; k < losses->size(); ++k) {
    answers.push_back(answer_of((*losses)[k], stored ? (*probabilities)[k] : Json(), where));
  }
  return answers;
}

void read_rouge(TofuRow& target, const Json& row, const std::string& where) {
  if (!row.contains("rougeL_recall")) user_error(where, ": no rougeL_recall");
  target.rouge1_recall = number_in(row, "rouge1_recall", where);
  target.rouge_l_recall = number_in(row, "rougeL_recall", where);
  target.rouge_l_f1 = number_in(row, "rougeL_f1", where);
  std::array<std::string, 3> text;
  const std::array<const char*, 3> keys = {"input", "generation", "ground_truth"};
  for (size_t i = 0; i < 3; ++i) {
    const auto value = row.find(keys[i]);
    if (value == row.end() || !value->is_string()) return;
    text[i] = value->get<std::string>();
  }
  target.text = std::move(text);
}

// One reference's ROUGE, or (perturbed answers) lists with one number for each.
std::vector<AnswerRouge> read_other_rouge(const Json& row, const std::string& where) {
  if (!row.contains("rougeL_recall")) user_error(where, ": no rougeL_recall");
  const auto list_of = [&](const char* field, size_t count) {
    std::vector<double> values;
    const Json value = row.value(field, Json());
    for (const Json& number : value.is_array() ? value : Json::array({value})) {
      values.push_back(metrics::log_number(number, cat(where, ": ", field)));
    }
    if (count > 0 && values.size() != count) {
      user_error(where, ": ", values.size(), " values of ", field, " for ", count,
                 " of rougeL_recall");
    }
    return values;
  };
  const std::vector<double> recall = list_of("rougeL_recall", 0);
  const std::vector<double> first = list_of("rouge1_recall", recall.size());
  const std::vector<double> f1 = list_of("rougeL_f1", recall.size());
  std::vector<AnswerRouge> answers;
  for (size_t i = 0; i < recall.size(); ++i) answers.push_back({first[i], f1[i], recall[i]});
  return answers;
}

using Reader = void (*)(TofuRow&, const Json&, const std::string&);
struct Column {
  std::string key;
  Reader read;
};

std::vector<Column> columns_of(TofuTask task) {
  const std::string prefix = names_of(task).prefix;
  const Reader truth_ratio = [](TofuRow& r, const Json& v, const std::string& w) {
    if (!v.contains("score")) user_error(w, ": no score");
    r.truth_ratio = metrics::log_number(v.at("score"), cat(w, ": score"));
  };
  return {
      {prefix + "_Q_A_Prob",
       [](TofuRow& r, const Json& v, const std::string& w) { r.answer = read_answer(v, w); }},
      {prefix + "_Q_A_PARA_Prob",
       [](TofuRow& r, const Json& v, const std::string& w) { r.paraphrase = read_answer(v, w); }},
      {prefix + "_Q_A_PERT_Prob",
       [](TofuRow& r, const Json& v, const std::string& w) { r.perturbed = read_answers(v, w); }},
      {prefix + "_Q_A_Prob_normalised",
       [](TofuRow& r, const Json& v, const std::string& w) {
         if (!v.contains("prob")) user_error(w, ": no prob");
         r.normalised_probability = number_in(v, "prob", w);
       }},
      {prefix + "_Q_A_ROUGE", read_rouge},
      {prefix + "_Q_A_PARA_ROUGE",
       [](TofuRow& r, const Json& v, const std::string& w) {
         const auto answers = read_other_rouge(v, w);
         if (!answers.empty()) r.paraphrase_rouge = answers.front();
       }},
      {prefix + "_Q_A_PERT_ROUGE",
       [](TofuRow& r, const Json& v, const std::string& w) {
         r.perturbed_rouge = read_other_rouge(v, w);
       }},
      {prefix + "_truth_ratio", truth_ratio},
      {prefix + "_Truth_Ratio", truth_ratio},
      {prefix + "_KL_Divergence", [](TofuRow& r, const Json& v, const std::string& w) {
         if (!v.contains("score")) user_error(w, ": no score");
         r.kl_divergence = metrics::log_number(v.at("score"), cat(w, ": score"));
       }}};
}

// Adds one metric's rows to the task's; all metrics of a task are over the same rows.
void read_column(std::vector<TofuRow>& rows, std::string& first, const Column& column,
                 const metrics::MetricResult& metric, const std::string& where) {
  const auto stored = metric.details.find("value_by_index");
  if (stored == metric.details.end()) user_error(where, ": no value_by_index");
  const auto values = metrics::indexed_rows(*stored, where);
  if (rows.empty()) {
    first = column.key;
    rows.resize(values.size());
    for (size_t i = 0; i < rows.size(); ++i) rows[i].index = values[i].first;
  }
  if (values.size() != rows.size()) {
    user_error(where, ": ", values.size(), " rows, but ", first, " has ", rows.size());
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto& [index, value] = values[i];
    const std::string place = cat(where, ": row ", index);
    if (index != rows[i].index) {
      user_error(where, ": row ", rows[i].index, " is missing, which ", first, " has");
    }
    if (value->is_null()) continue;
    if (!value->is_object()) user_error(place, ": ", value->type_name(), " instead of an object");
    column.read(rows[i], *value, place);
  }
}

// With its aggregator prob_mean OpenUnlearning stores p / (p + q) where else R = q / p stands; the
// losses tell which. R is computed from them then.
void drop_other_ratios(TofuTask task, std::vector<TofuRow>& rows) {
  bool are_ratios = true, are_other = true, is_known = false;
  for (const TofuRow& row : rows) {
    const std::optional<double> other = row_knowledge(row, task);
    if (!row.truth_ratio || !other) continue;
    TofuRow without = row;
    without.truth_ratio.reset();
    const auto ratio =
        row_truth_ratio(without, task, {Formula::kOpenUnlearning, FalseAnswers::kLossMean});
    constexpr double kClose = 1e-4;  // losses of a model in bf16 are stored with few digits
    const auto is_stored = [&](double value) {
      return std::abs(*row.truth_ratio - value) <= kClose * value;
    };
    is_known = true;
    are_ratios = are_ratios && ratio && is_stored(*ratio);
    are_other = are_other && is_stored(*other);
  }
  if (!is_known || are_ratios || !are_other) return;
  for (TofuRow& row : rows) row.truth_ratio.reset();
}

bool has_no_value(const metrics::MetricResult& metric) {
  return !metric.value && metric.details.empty();
}

}  // namespace

TofuLog parse_open_unlearning_log(const Json& json, const std::string& source) {
  TofuLog log;
  log.source = source;
  log.form = TofuLogForm::kOpenUnlearning;
  log.other = metrics::parse_eval_report(json, source);
  for (const TofuTask task : kTofuTasks) {
    std::string first;
    for (const Column& column : columns_of(task)) {
      const auto entry = log.other.find(column.key);
      if (entry == log.other.end()) continue;
      if (!has_no_value(entry->second)) {
        read_column(log.rows(task), first, column, entry->second, cat(source, ": ", column.key));
      }
      log.other.erase(entry);
    }
    log.other.erase(names_of(task).prefix + std::string("_knowledge"));  // made of the losses
    drop_other_ratios(task, log.rows(task));
  }
  for (const char* derived : {"model_utility", "forget_quality"}) log.other.erase(derived);
  return log;
}

}  // namespace unlearn::benchmarks::tofu
