#include "eval/own_data/side_metrics.h"

#include <functional>
#include <limits>

#include "unlearn/core/error.h"
#include "unlearn/metrics/stored_metrics.h"

namespace unlearn::eval::own_data {
namespace {

namespace own = metrics::own_data;

// Collects metrics from a verdict in which the model is compared with itself: all that one side
// alone can say is there, under "after".
class SideReport {
 public:
  explicit SideReport(const own::Measured& measured)
      : verdict_(own::judge(own::evidence_of(measured, measured), {}, {}).json),
        count_(static_cast<double>(measured.rows.size())) {}

  void add(const std::string& name, const Json& value, const std::string& missing) {
    metrics::MetricResult& metric = evaluation_.metrics[name];
    if (value.is_number()) {
      metric.value = value.get<double>();
    } else {
      evaluation_.warnings.push_back(cat(name, " is null: ", missing));
    }
  }
  // A number of each row, by its key in the verdict's rows.
  void add_rows(const std::string& name, const std::function<Json(const Json& row)>& value) {
    Json rows = Json::object();
    for (const Json& row : verdict_["rows"]) {
      rows[std::to_string(row["row"].get<int64_t>())] = {{"score", value(row)}};
    }
    evaluation_.metrics[name].details["value_by_index"] = std::move(rows);
  }

  void preference() {
    const Json& forget = verdict_["forget"];
    add("forget_AUC", forget["auc_after"], "there is no other answer to compare with");
    add_rows("forget_AUC", [](const Json& row) {
      const Json& found = row["preference_after"];
      return found.is_object() ? found["auc"] : Json();
    });
    add("forget_logprob", forget["mean_logprob_after"], "a row's score is not finite");
    add_rows("forget_logprob", [](const Json& row) { return row["logprob_after"]; });
  }

  void extraction() {
    const Json& forget = verdict_["forget"];
    const auto share = [&](const char* key) { return Json(forget[key].get<double>() / count_); };
    add("forget_extracted", share("extracted_after"), "");
    add_rows("forget_extracted",
             [](const Json& row) { return Json(row["extracted_after"].get<bool>() ? 1 : 0); });
    add("forget_extracted_in_other_words", share("extracted_in_other_words"), "");
    double rouge = 0;
    for (const Json& row : verdict_["rows"]) rouge += row["rouge_l_recall_after"].get<double>();
    add("forget_ROUGE", rouge / count_, "");
    add_rows("forget_ROUGE", [](const Json& row) { return row["rouge_l_recall_after"]; });
    add("cross_leaks", verdict_["cross_leaks"], "");
    add_rows("cross_leaks", [](const Json& row) { return Json(row["leaks"].size()); });
  }

  void leak_at_k() {
    const Json& curve = verdict_["forget"]["leak_at_k"];
    const char* missing = "no samples were drawn (eval.own_data.samples)";
    add("leak_at_1", curve.empty() ? Json() : curve.front()["leak"], missing);
    add("leak_at_k", curve.empty() ? Json() : curve.back()["leak"], missing);
    if (!curve.empty()) evaluation_.metrics["leak_at_k"].details["curve"] = curve;
  }

  void damage() {
    const std::pair<const char*, const char*> parts[] = {{"retain_seen_logprob", "seen"},
                                                         {"retain_held_out_logprob", "held_out"},
                                                         {"neighbours_logprob", "neighbours"},
                                                         {"general_text_logprob", "general_text"}};
    for (const auto& [name, key] : parts) {
      const char* missing = std::string_view(key) == "held_out"
                                ? "no retain rows are held out (data.hold_out)"
                            : std::string_view(key) == "seen" ? "there is no retain file"
                                                              : "there are none";
      add(name, verdict_["retain"][key]["mean_logprob_after"], missing);
    }
  }

  void fluency() {
    for (const char* side : {"forget", "retain"}) {
      const Json& found = verdict_["fluency"][cat(side, "_after")];
      const bool is_there = found.is_object();
      Json broken;
      if (is_there) broken = found["broken"].get<double>() / found["outputs"].get<double>();
      add(cat(side, "_broken"), broken, "there is no output");
      add(cat(side, "_distinct_2"), is_there ? found["distinct_2"] : Json(), "there is no output");
    }
  }

  metrics::Evaluation take() { return std::move(evaluation_); }

 private:
  Json verdict_;
  double count_;
  metrics::Evaluation evaluation_;
};

std::vector<double> stored_scores(const Json& side) {
  std::vector<double> scores;
  for (const Json& row : side["value_by_index"]) {
    const Json& score = row["score"];
    scores.push_back(score.is_null() ? std::numeric_limits<double>::quiet_NaN()
                                     : score.get<double>());
  }
  return scores;
}

}  // namespace

metrics::Evaluation side_metrics(const own::Measured& measured, const MetricSelection& selection) {
  SideReport report(measured);
  if (selection.has("preference")) report.preference();
  if (selection.has("extraction")) report.extraction();
  if (selection.has("leak_at_k")) report.leak_at_k();
  if (selection.has("damage")) report.damage();
  if (selection.has("fluency")) report.fluency();
  return report.take();
}

void add_attacks(const metrics::EvalReport& attacks, own::Measured& measured) {
  for (const auto& [name, attack] : attacks) {
    if (!attack.details.contains("forget") || !attack.details.contains("holdout")) continue;
    measured.attacks[name] = {stored_scores(attack.details["forget"]),
                              stored_scores(attack.details["holdout"])};
  }
}

void add_attack_metrics(const metrics::EvalReport& attacks, const MetricSelection& selection,
                        metrics::Evaluation& evaluation) {
  for (const metrics::Metric* metric : selection.selected()) {
    if (metric->attack == nullptr) continue;
    const auto found = attacks.find(metric->name);
    if (found == attacks.end()) {
      evaluation.metrics[metric->name] = {};
      evaluation.warnings.push_back(cat(metric->name, " is null: it needs rows that were not ",
                                        "trained on (data.hold_out, or a file: eval.holdout)"));
      continue;
    }
    metrics::MetricResult result = found->second;
    const metrics::StoredAuc auc = metrics::stored_auc(result, metric->name);
    result.value = auc.value;
    if (!auc.value) {
      evaluation.warnings.push_back(cat(metric->name, " is null: ", auc.missing));
    }
    evaluation.metrics[metric->name] = std::move(result);
  }
}

}  // namespace unlearn::eval::own_data
