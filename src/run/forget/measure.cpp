#include "run/forget/measure.h"

#include <cmath>

#include "unlearn/core/error.h"
#include "unlearn/eval/own_data.h"

namespace unlearn::run {
namespace {

namespace own = metrics::own_data;

double mean_logprob(const own::Measured& measured) {
  double sum = 0;
  for (const own::MeasuredRow& row : measured.rows) sum += row.logprob;
  return sum / static_cast<double>(measured.rows.size());
}

std::optional<double> mean_of_base(const own::Measured& measured) {
  double sum = 0;
  for (const own::MeasuredRow& row : measured.rows) {
    if (!row.logprob_base) return std::nullopt;
    sum += *row.logprob_base;
  }
  return sum / static_cast<double>(measured.rows.size());
}

}  // namespace

void OwnMeasurements::Part::open(torch::Device device) {
  evaluator.emplace(config, EvaluatedModel{config.model.path}, device);
  evaluator->plan_summary();  // every input is checked
}

own::Measured OwnMeasurements::Part::measure(model::CausalLM& model,
                                             const std::filesystem::path& folder) {
  const eval::Outcome outcome = evaluator->evaluate_model(model, folder);
  return own::measured_from_json(outcome.files.at(eval::own_data::kMeasuredFile), "measurements");
}

OwnMeasurements::OwnMeasurements(const config::Settings& settings, const std::string& base,
                                 torch::Device device) {
  config::Settings few = settings;
  few.set("eval.metrics", Json{"preference", "damage"}, "unlearn forget");
  likelihoods_.config = resolve_evaluation(few);
  likelihoods_.open(device);
  config::Settings all = settings;
  if (!base.empty()) all.set("eval.reference_model", base, "--base");
  everything_.config = resolve_evaluation(all);
  everything_.open(device);
}

own::Measured OwnMeasurements::likelihoods(model::CausalLM& model) {
  return likelihoods_.measure(model, {});
}

own::Measured OwnMeasurements::everything(model::CausalLM& model,
                                          const std::filesystem::path& folder) {
  return everything_.measure(model, folder);
}

bool Standing::reached(const own::Targets& targets) const {
  return above ? *above <= targets.base_tolerance : auc <= targets.auc;
}

bool Standing::damaged(const own::Targets& targets) const {
  return !(fall <= targets.max_damage) || !std::isfinite(logprob);
}

Standing standing(const own::Measured& before, const own::Measured& now) {
  Standing result;
  std::vector<own::AnswerScores> scores;
  for (const own::MeasuredRow& row : now.rows) scores.push_back(row.scores);
  if (const auto preference = own::preference(scores, {.resamples = 1})) {
    result.auc = preference->auc;
  }
  result.logprob = mean_logprob(now);
  if (const auto base = mean_of_base(before)) result.above = result.logprob - *base;
  auto fallen = own::damage({before.held_out, now.held_out});
  if (!fallen) fallen = own::damage({before.seen, now.seen});
  if (!fallen) fallen = own::damage({before.general_text, now.general_text});
  if (fallen) result.fall = fallen->fall;
  return result;
}

}  // namespace unlearn::run
