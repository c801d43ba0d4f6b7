#include "unlearn/metrics/stored_metrics.h"

#include <numeric>

#include "unlearn/core/error.h"
#include "unlearn/metrics/auc.h"
#include "unlearn/metrics/mia.h"

namespace unlearn::metrics {
namespace {

RowValues side_scores(const MetricResult& attack, const char* side, const std::string& where) {
  const auto part = attack.details.find(side);
  const std::string place = cat(where, ": ", side);
  if (part == attack.details.end() || !part->is_object()) {
    user_error(place, ": missing; an attack stores the scores of forget and holdout");
  }
  MetricResult inner;
  inner.details = *part;
  return row_values(inner, "score", place);
}

bool is_attack(const std::string& name, const MetricResult& metric) {
  return name.starts_with("mia_") ||
         (metric.details.contains("forget") && metric.details.contains("holdout"));
}

std::string row_field(const std::string& name) {
  return name.ends_with("_ROUGE") ? "rougeL_f1" : "score";
}

void add_mean(const std::string& name, const MetricResult& metric, const std::string& where,
              Evaluation& out) {
  const auto [values, non_finite] = row_values(metric, row_field(name), where);
  MetricResult result = metric;
  result.value = std::nullopt;
  if (values.empty()) {
    out.warnings.push_back(cat(name, " is null: no row has a value"));
  } else if (!non_finite.empty()) {
    out.warnings.push_back(cat(name, " is null: ", non_finite));
  } else {
    result.value =
        std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  }
  out.metrics[name] = std::move(result);
}

void add_privleak(std::optional<double> auc, const EvalReport* retain,
                  const std::string& retain_source, Evaluation& out) {
  MetricResult result;
  if (!auc) {
    out.warnings.push_back("privleak is null: it needs mia_min_k with forget and holdout scores");
  } else if (retain == nullptr || !retain->contains("mia_min_k")) {
    out.warnings.push_back(
        "privleak is null: it needs mia_min_k in the retain model's log (--retain-log)");
  } else {
    const auto reference = stored_auc(retain->at("mia_min_k"), cat(retain_source, ": mia_min_k"));
    if (reference.value) {
      result.value = privleak_open_unlearning(*auc, *reference.value);
    } else {
      out.warnings.push_back(
          cat("privleak is null: mia_min_k of the retain model's log: ", reference.missing));
    }
  }
  out.metrics["privleak"] = std::move(result);
}

// True when every row is an object with the field that add_mean reads.
bool has_rows(const std::string& name, const MetricResult& metric) {
  const auto rows = metric.details.find("value_by_index");
  if (rows == metric.details.end() || !rows->is_object() || rows->empty()) return false;
  const Json& first = rows->front();
  return first.is_object() && first.contains(row_field(name));
}

}  // namespace

StoredAuc stored_auc(const MetricResult& attack, const std::string& where) {
  const RowValues forget = side_scores(attack, "forget", where);
  const RowValues holdout = side_scores(attack, "holdout", where);
  if (!forget.non_finite.empty()) return {std::nullopt, "forget: " + forget.non_finite};
  if (!holdout.non_finite.empty()) return {std::nullopt, "holdout: " + holdout.non_finite};
  const auto auc = auc_open_unlearning(forget.values, holdout.values);
  return {auc, auc ? "" : "forget or holdout has no score"};
}

void add_stored_metrics(const EvalReport& stored, const std::string& source,
                        const EvalReport* retain, const std::string& retain_source,
                        Evaluation& out) {
  bool leak_wanted = stored.contains("privleak");
  std::optional<double> min_k_auc;
  for (const auto& [name, metric] : stored) {
    const std::string where = cat(source, ": ", name);
    if (name == "privleak") continue;
    if (!metric.value && metric.details.empty()) {
      out.metrics[name] = {};
      out.warnings.push_back(cat(name, " is null: the log holds nothing for it"));
    } else if (is_attack(name, metric)) {
      MetricResult result = metric;
      const StoredAuc auc = stored_auc(metric, where);
      result.value = auc.value;
      if (!result.value) out.warnings.push_back(cat(name, " is null: ", auc.missing));
      result.details["auc"] = result.value ? Json(*result.value) : Json(nullptr);
      if (name == "mia_min_k") {
        min_k_auc = result.value;
        leak_wanted = true;
      }
      out.metrics[name] = std::move(result);
    } else if (has_rows(name, metric)) {
      add_mean(name, metric, where, out);
    } else {
      out.metrics[name] = metric;
      out.warnings.push_back(cat(name, " is taken as stored: its rows say nothing to recompute"));
    }
  }
  if (leak_wanted) add_privleak(min_k_auc, retain, retain_source, out);
}

}  // namespace unlearn::metrics
