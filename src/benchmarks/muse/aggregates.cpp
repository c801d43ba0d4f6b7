#include "benchmarks/muse/aggregates.h"

#include <algorithm>
#include <numeric>

#include "unlearn/core/strings.h"
#include "unlearn/metrics/mia.h"

namespace unlearn::benchmarks::muse {
namespace {

std::vector<double> column(std::span<const metrics::RougeScores> rows,
                           metrics::RougeScore metrics::RougeScores::*kind,
                           double metrics::RougeScore::*part) {
  std::vector<double> values;
  for (const metrics::RougeScores& row : rows) values.push_back(row.*kind.*part);
  return values;
}

std::optional<std::vector<double>> column(const std::vector<AttackValues>& texts,
                                          const std::string& type) {
  std::vector<double> values;
  for (const AttackValues& text : texts) {
    const auto found = text.find(type);
    if (found == text.end()) return std::nullopt;
    values.push_back(found->second);
  }
  return values;
}

struct Constants {
  double news, books;
};

// swj0419/muse_bench, constants.py: AUC_RETRAIN, forget against holdout.
const std::map<std::string, Constants>& retrained_aucs() {
  static const std::map<std::string, Constants> table = {
      {"PPL", {0.4652, 0.4746}},       {"PPL/ref", {0.2755, 0.3403}},
      {"PPL/lower", {0.3542, 0.3957}}, {"PPL/zlib", {0.4328, 0.2773}},
      {"Min-5%", {0.5116, 0.5325}},    {"Min-10%", {0.5021, 0.5424}},
      {"Min-20%", {0.4931, 0.5582}},   {"Min-30%", {0.4840, 0.5570}},
      {"Min-40%", {0.4772, 0.5393}},   {"Min-50%", {0.4711, 0.5167}},
      {"Min-60%", {0.4671, 0.4841}}};
  return table;
}

double mean_loss(std::span<const double> logp) {
  return -std::accumulate(logp.begin(), logp.end(), 0.0) / static_cast<double>(logp.size());
}

}  // namespace

std::string cut_knowmem_output(std::string_view text) {
  for (const std::string_view stop : {"\n\n", "\nQuestion", "Question:"}) {
    text = text.substr(0, text.find(stop));
  }
  return std::string(text);
}

std::optional<double> muse_retrained_auc(const std::string& corpus, const std::string& type) {
  const auto found = retrained_aucs().find(type);
  if (found == retrained_aucs().end()) return std::nullopt;
  if (corpus == "news") return found->second.news;
  if (corpus == "books") return found->second.books;
  return std::nullopt;
}

metrics::RougeScores muse_rouge(std::string_view truth, std::string_view response,
                                bool open_unlearning) {
  return metrics::rouge(truth, response, open_unlearning);
}

std::map<std::string, double> muse_rouge_aggregates(std::span<const metrics::RougeScores> rows,
                                                    const metrics::BootstrapOptions& bootstrap) {
  std::map<std::string, double> result;
  const auto add = [&](const std::string& name, const std::vector<double>& values) {
    const auto interval = metrics::bootstrap_mean(values, bootstrap);
    if (!interval) return;
    result["max_" + name] = *std::max_element(values.begin(), values.end());
    result["mean_" + name] = interval->mean;
    result[name + "_ci_lo"] = interval->low;
    result[name + "_ci_hi"] = interval->high;
  };
  add("rougeL", column(rows, &metrics::RougeScores::rouge_l, &metrics::RougeScore::f1));
  add("rougeL_recall", column(rows, &metrics::RougeScores::rouge_l, &metrics::RougeScore::recall));
  add("rouge1", column(rows, &metrics::RougeScores::rouge1, &metrics::RougeScore::f1));
  add("rouge1_recall", column(rows, &metrics::RougeScores::rouge1, &metrics::RougeScore::recall));
  return result;
}

std::optional<double> muse_rouge_score(std::span<const metrics::RougeScores> rows,
                                       bool open_unlearning) {
  if (rows.empty()) return std::nullopt;
  const std::vector<double> values =
      column(rows, &metrics::RougeScores::rouge_l, &metrics::RougeScore::f1);
  const double mean =
      std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  return open_unlearning ? mean : mean * 100;
}

AttackValues muse_attack_values(std::string_view text, std::span<const double> logp,
                                std::span<const double> logp_of_lower_cased) {
  AttackValues values;
  if (logp.empty()) return values;
  values["PPL"] = mean_loss(logp);
  values["PPL/zlib"] = values["PPL"] / static_cast<double>(metrics::zlib_length(text));
  if (!logp_of_lower_cased.empty()) {
    values["PPL/lower"] = values["PPL"] / mean_loss(logp_of_lower_cased);
  }
  for (const int percent : {5, 10, 20, 30, 40, 50, 60}) {
    const auto score = metrics::mean_of_lowest(logp, static_cast<double>(percent) / 100);
    if (score) values[cat("Min-", percent, "%")] = *score;
  }
  return values;
}

std::map<std::string, std::optional<double>> muse_auc_table(
    const std::map<std::string, std::vector<AttackValues>>& values) {
  std::map<std::string, std::optional<double>> table;
  for (const auto& [split0, texts0] : values) {
    if (texts0.empty()) continue;
    for (const auto& [split1, texts1] : values) {
      if (split0 == split1) continue;
      for (const auto& [type, unused] : texts0.front()) {
        const auto first = column(texts0, type);
        const auto second = column(texts1, type);
        auto& cell = table[cat(split0, "_", split1, "_", type)];
        if (first && second) cell = metrics::auc_muse(*first, *second);
      }
    }
  }
  return table;
}

}  // namespace unlearn::benchmarks::muse
