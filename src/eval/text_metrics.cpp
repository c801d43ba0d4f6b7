#include "unlearn/eval/text_metrics.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "unlearn/core/error.h"
#include "unlearn/metrics/mia.h"

namespace unlearn::eval {
namespace {

// The last label (EOS) is left out, as in OpenUnlearning.
template <class T>
std::vector<T> without_last(const std::vector<T>& values) {
  return {values.begin(), values.end() - (values.empty() ? 0 : 1)};
}

std::vector<double> normalised_tokens(const scoring::ExampleScore& score) {
  std::vector<double> z;
  for (size_t t = 0; t + 1 < score.logp.size() && t < score.mean_logp.size(); ++t) {
    z.push_back(
        metrics::min_k_plus_plus_token(score.logp[t], score.mean_logp[t], score.variance_logp[t]));
  }
  return z;
}

std::string label_text(const data::Example& example, const tokenizer::Tokenizer& tok) {
  std::vector<int32_t> labels;
  std::copy_if(example.labels.begin(), example.labels.end(), std::back_inserter(labels),
               [](int32_t label) { return label != data::kIgnored; });
  return tok.decode(labels, /*skip_special=*/true);
}

data::Example without_last_label(data::Example example) {
  const auto last = std::find_if(example.labels.rbegin(), example.labels.rend(),
                                 [](int32_t label) { return label != data::kIgnored; });
  UNLEARN_CHECK(last != example.labels.rend());
  *last = data::kIgnored;
  --example.num_labels;
  return example;
}

// Scores per text under the row numbers; what is none or not finite becomes null.
Json score_rows(metrics::TextMetric metric, const std::vector<PlannedText>& texts,
                const Results& own, const Results& reference, const metrics::TextOptions& options) {
  const scoring::ExampleScore no_labels;
  Json rows = Json::object();
  for (const PlannedText& item : texts) {
    const scoring::ExampleScore& score = item.score ? own[*item.score] : no_labels;
    const std::vector<double> logp = without_last(score.logp);
    const std::vector<double> z = normalised_tokens(score);
    const std::vector<uint8_t> hits = without_last(score.argmax_matches);
    metrics::ScoredText input{.text = item.text, .token_logp = logp, .token_z = z, .hits = hits};
    if (item.score) input.mean_loss = -score.mean();
    if (item.reference) input.reference_mean_loss = -reference[*item.reference].mean();
    if (item.gradient) input.gradient_norm = own[*item.gradient];
    const std::optional<double> value = metric(input, options);
    const bool usable = value && std::isfinite(*value);
    rows[std::to_string(item.row)] = {{"score", usable ? Json(*value) : Json(nullptr)}};
  }
  return rows;
}

// Mean of the rows that have a score; null without one.
Json mean_score(const Json& rows) {
  double sum = 0;
  int64_t count = 0;
  for (const Json& row : rows) {
    if (row["score"].is_null()) continue;
    sum += row["score"].get<double>();
    ++count;
  }
  return count == 0 ? Json(nullptr) : Json(sum / static_cast<double>(count));
}

}  // namespace

void TextMetrics::plan_mean(const MetricSelection& selection, const tokenizer::Tokenizer& tok,
                            const MetricText& text, Plan& own) {
  if (texts_.empty()) {
    for (const metrics::Metric* metric : selection.selected()) {
      if (metric->score != nullptr) means_.push_back(*metric);
    }
  }
  if (means_.empty()) return;
  PlannedText& item =
      texts_.emplace_back(PlannedText{text.row, label_text(text.example, tok), {}, {}, {}});
  if (text.example.num_labels == 0) return;
  item.score = own.score(text.example, selection.scores_need(metrics::Need::kTokenMoments));
}

void TextMetrics::plan_attacks(const MetricSelection& selection, const tokenizer::Tokenizer& tok,
                               const std::vector<MetricText>& forget,
                               const std::vector<MetricText>& holdout, Plan& own, Plan* reference) {
  for (const metrics::Metric* metric : selection.selected()) {
    if (!metric->made_of.empty() && !selection.has(metric->made_of)) {
      const metrics::Metric* source = metrics::find_metric(metric->made_of);
      UNLEARN_CHECK(source != nullptr, metric->made_of);
      attacks_.push_back(*source);
    }
    if (metric->attack == nullptr) continue;
    if (needs(*metric, metrics::Need::kReferenceModel) && reference == nullptr) continue;
    attacks_.push_back(*metric);
  }
  const bool moments = selection.needs(metrics::Need::kTokenMoments);
  const bool gradient = selection.needs(metrics::Need::kGradient);
  for (const auto& [texts, items] : {std::pair{&forget, &forget_}, {&holdout, &holdout_}}) {
    for (const MetricText& text : *texts) {
      PlannedText& item =
          items->emplace_back(PlannedText{text.row, label_text(text.example, tok), {}, {}, {}});
      if (text.example.num_labels == 0) continue;
      item.score = own.score(text.example, moments);
      if (reference != nullptr) item.reference = reference->score(text.example);
      if (gradient && text.example.num_labels > 1) {
        item.gradient = own.gradient_norm(without_last_label(text.example));
      }
    }
  }
}

void TextMetrics::add(const Results& own, const Results& reference,
                      const metrics::TextOptions& options, metrics::EvalReport& report) const {
  for (const metrics::Metric& metric : means_) {
    report[metric.name].details["value_by_index"] =
        score_rows(metric.score, texts_, own, reference, options);
  }
  for (const metrics::Metric& metric : attacks_) {
    Json& details = report[metric.name].details;
    for (const auto& [side, items] : {std::pair{"forget", &forget_}, {"holdout", &holdout_}}) {
      Json rows = score_rows(metric.attack, *items, own, reference, options);
      details[side] = {{"agg_value", mean_score(rows)}, {"value_by_index", std::move(rows)}};
    }
  }
}

}  // namespace unlearn::eval
