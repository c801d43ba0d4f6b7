#include <algorithm>
#include <numeric>

#include "unlearn/core/strings.h"
#include "unlearn/metrics/mia.h"
#include "unlearn/metrics/muse.h"

namespace unlearn::metrics {
namespace {

std::vector<double> column(std::span<const RougeScores> rows, RougeScore RougeScores::*kind,
                           double RougeScore::*part) {
  std::vector<double> values;
  for (const RougeScores& row : rows) values.push_back(row.*kind.*part);
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

double mean_loss(std::span<const double> logp) {
  return -std::accumulate(logp.begin(), logp.end(), 0.0) / static_cast<double>(logp.size());
}

}  // namespace

RougeScores muse_rouge(std::string_view truth, std::string_view response, bool open_unlearning) {
  return rouge(truth, response, open_unlearning);
}

std::map<std::string, double> muse_rouge_aggregates(std::span<const RougeScores> rows,
                                                    const BootstrapOptions& bootstrap) {
  std::map<std::string, double> result;
  const auto add = [&](const std::string& name, const std::vector<double>& values) {
    const auto interval = bootstrap_mean(values, bootstrap);
    if (!interval) return;
    result["max_" + name] = *std::max_element(values.begin(), values.end());
    result["mean_" + name] = interval->mean;
    result[name + "_ci_lo"] = interval->low;
    result[name + "_ci_hi"] = interval->high;
  };
  add("rougeL", column(rows, &RougeScores::rouge_l, &RougeScore::f1));
  add("rougeL_recall", column(rows, &RougeScores::rouge_l, &RougeScore::recall));
  add("rouge1", column(rows, &RougeScores::rouge1, &RougeScore::f1));
  add("rouge1_recall", column(rows, &RougeScores::rouge1, &RougeScore::recall));
  return result;
}

std::optional<double> muse_rouge_score(std::span<const RougeScores> rows, bool open_unlearning) {
  if (rows.empty()) return std::nullopt;
  const std::vector<double> values = column(rows, &RougeScores::rouge_l, &RougeScore::f1);
  const double mean =
      std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  return open_unlearning ? mean : mean * 100;
}

AttackValues muse_attack_values(std::string_view text, std::span<const double> logp,
                                std::span<const double> logp_of_lower_cased) {
  AttackValues values;
  if (logp.empty()) return values;
  values["PPL"] = mean_loss(logp);
  values["PPL/zlib"] = values["PPL"] / static_cast<double>(zlib_length(text));
  if (!logp_of_lower_cased.empty()) {
    values["PPL/lower"] = values["PPL"] / mean_loss(logp_of_lower_cased);
  }
  for (const int percent : {5, 10, 20, 30, 40, 50, 60}) {
    const auto score = mean_of_lowest(logp, static_cast<double>(percent) / 100);
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
        if (first && second) cell = auc_muse(*first, *second);
      }
    }
  }
  return table;
}

}  // namespace unlearn::metrics
