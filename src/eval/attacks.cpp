#include "eval/attacks.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "unlearn/core/error.h"
#include "unlearn/metrics/mia.h"

namespace unlearn::eval {
namespace {

// The last label (EOS) is left out, as in OpenUnlearning.
std::vector<double> without_last(const std::vector<double>& values) {
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

}  // namespace

void Attacks::plan(const MetricSelection& selection, const tokenizer::Tokenizer& tok,
                   const std::vector<AttackText>& forget, const std::vector<AttackText>& holdout,
                   Plan& own, Plan* reference) {
  for (const metrics::Metric& metric : metrics::registered_metrics()) {
    if (metric.attack == nullptr || !selection.has(metric.name)) continue;
    if (metric.name == "mia_reference" && reference == nullptr) continue;
    metrics_.push_back(&metric);
  }
  // privleak is made from Min-K%.
  const metrics::Metric* min_k = metrics::find_metric("mia_min_k");
  if (selection.has("privleak") && !selection.has("mia_min_k")) metrics_.push_back(min_k);
  const bool moments = selection.needs(metrics::Need::kTokenMoments);
  const bool gradient = selection.needs(metrics::Need::kGradient);
  for (const auto& [texts, items] : {std::pair{&forget, &forget_}, {&holdout, &holdout_}}) {
    for (const AttackText& text : *texts) {
      Item& item = items->emplace_back(Item{text.row, label_text(text.example, tok), {}, {}, {}});
      if (text.example.num_labels == 0) continue;
      item.score = own.score(text.example, moments);
      if (reference != nullptr) item.reference = reference->score(text.example);
      if (gradient && text.example.num_labels > 1) {
        item.gradient = own.gradient_norm(without_last_label(text.example));
      }
    }
  }
}

Json Attacks::score_rows(const metrics::Metric& metric, const std::vector<Item>& items,
                         const Results& own, const Results& reference,
                         const metrics::AttackOptions& options) const {
  const scoring::ExampleScore no_labels;
  Json rows = Json::object();
  for (const Item& item : items) {
    const scoring::ExampleScore score = item.score ? own.scores[*item.score] : no_labels;
    const std::vector<double> logp = without_last(score.logp);
    const std::vector<double> z = normalised_tokens(score);
    metrics::AttackInput input{.text = item.text, .token_logp = logp, .token_z = z};
    if (item.score) input.mean_loss = -score.mean();
    if (item.reference) input.reference_mean_loss = -reference.scores[*item.reference].mean();
    if (item.gradient) input.gradient_norm = own.gradient_norms[*item.gradient];
    const std::optional<double> value = metric.attack(input, options);
    const bool usable = value && std::isfinite(*value);
    rows[std::to_string(item.row)] = {{"score", usable ? Json(*value) : Json(nullptr)}};
  }
  return rows;
}

void Attacks::add(const Results& own, const Results& reference,
                  const metrics::AttackOptions& options, metrics::EvalReport& report) const {
  for (const metrics::Metric* metric : metrics_) {
    Json& details = report[metric->name].details;
    for (const auto& [side, items] : {std::pair{"forget", &forget_}, {"holdout", &holdout_}}) {
      Json rows = score_rows(*metric, *items, own, reference, options);
      double sum = 0;
      int64_t count = 0;
      for (const Json& row : rows) {
        if (row["score"].is_null()) continue;
        sum += row["score"].get<double>();
        ++count;
      }
      details[side] = {{"agg_value", count == 0 ? Json(nullptr) : Json(sum / double(count))},
                       {"value_by_index", std::move(rows)}};
    }
  }
}

}  // namespace unlearn::eval
