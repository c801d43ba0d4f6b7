#include "run/stopping.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/core/plural.h"
#include "unlearn/eval/selection.h"
#include "unlearn/run/forget.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

constexpr const char* kForgetKey = "train.stop.forget";
constexpr const char* kDamageKey = "train.stop.damage";
constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();

void check_reported(const RunConfig& config, const std::string& text, const std::string& key) {
  if (text.empty()) return;
  const std::string wanted = MetricLimit::parse(text, key).metric;
  const eval::MetricOffer offer = config.data.chosen().offer(config.eval);
  std::vector<std::string> names;
  for (const metrics::Metric& metric : offer.all()) {
    names.insert(names.end(), metric.keys.begin(), metric.keys.end());
    if (std::find(metric.keys.begin(), metric.keys.end(), wanted) == metric.keys.end()) continue;
    if (eval::MetricSelection(config.eval, offer).has(metric.name)) return;
    user_error(key, ": ", wanted, " is not evaluated; add ", metric.name, " to eval.metrics");
  }
  user_error(key, ": an evaluation of ", config.data.benchmark, " reports no '", wanted, "'",
             did_you_mean(wanted, names), "; it reports ", join(names, ", "));
}

std::optional<int64_t> evaluated_step(const fs::path& folder) {
  const std::string name = folder.filename().string();
  constexpr std::string_view kStep = "step-";
  int64_t step = 0;
  const char* end = name.data() + name.size();
  if (!name.starts_with(kStep)) return std::nullopt;
  const auto [stop, error] = std::from_chars(name.data() + kStep.size(), end, step);
  return error == std::errc() && stop == end ? std::optional(step) : std::nullopt;
}

}  // namespace

MetricLimit MetricLimit::parse(const std::string& text, const std::string& key) {
  MetricLimit limit;
  const size_t at = text.find_first_of("<>");
  size_t rest = at;
  if (at != std::string::npos) {
    limit.metric = std::string(trim(text.substr(0, at)));
    limit.is_below = text[at] == '<';
    limit.is_inclusive = at + 1 < text.size() && text[at + 1] == '=';
    rest = at + (limit.is_inclusive ? 2 : 1);
  }
  const std::string number = at == std::string::npos ? "" : std::string(trim(text.substr(rest)));
  const char* end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, limit.value);
  const bool is_number = error == std::errc() && stop == end && std::isfinite(limit.value);
  if (limit.metric.empty() || !is_number) {
    user_error(key, ": '", text, "' is no condition; it is written as METRIC <= NUMBER (or <, >=, ",
               ">), for example 'extraction_strength <= 0.1'");
  }
  return limit;
}

bool MetricLimit::holds(double measured) const {
  if (measured == value) return is_inclusive;
  return is_below ? measured < value : measured > value;
}

double MetricLimit::excess(double measured) const {
  if (std::isnan(measured)) return std::numeric_limits<double>::infinity();
  return holds(measured) ? 0.0 : std::abs(measured - value);
}

void check_stop(const RunConfig& config) {
  if (config.data.chosen().make_evaluation == nullptr) {
    user_error("train.stop: ", config.data.benchmark, " has no evaluation that could end the ",
               "training (unlearn list benchmarks)");
  }
  if (config.eval.interval(1) == 0) {
    user_error("train.stop: nothing is evaluated during the training; set eval.every to epoch or ",
               "to a number of steps");
  }
  check_reported(config, config.train.stop_forget, kForgetKey);
  check_reported(config, config.train.stop_damage, kDamageKey);
}

Stopping::Stopping(const RunConfig& config) : config_(config) {
  const train::TrainConfig& train = config.train;
  if (!train.stop_forget.empty()) forget_ = MetricLimit::parse(train.stop_forget, kForgetKey);
  if (!train.stop_damage.empty()) damage_ = MetricLimit::parse(train.stop_damage, kDamageKey);
}

train::AfterStep Stopping::look(int64_t step, const metrics::Evaluation& evaluation) {
  Figures figures;
  for (const auto& [name, result] : evaluation.metrics) figures[name] = result.value;
  return look_at(step, figures);
}

train::AfterStep Stopping::look_at(int64_t step, const Figures& figures) {
  const auto measured = [&](const MetricLimit& limit) {
    const auto found = figures.find(limit.metric);
    if (found != figures.end() && found->second) return *found->second;
    log::warn("train.stop: the evaluation after step ", step, " has no value of ", limit.metric);
    return kNotKnown;
  };
  MeasuredState state;
  if (damage_) {
    const double value = measured(*damage_);
    state.damaged = std::isnan(value) || damage_->holds(value);
  }
  state.distance = {forget_ ? forget_->excess(measured(*forget_)) : 0.0};
  state.reached = forget_ && state.distance.front() == 0;
  const train::AfterStep wish = rule_.look(step, state);
  if (config_.train.keeps_best()) return wish;
  return stops(wish) ? train::AfterStep::kStop : train::AfterStep::kContinue;
}

train::AfterStep Stopping::recall(const fs::path& eval, int64_t step) {
  std::map<int64_t, fs::path> evaluated;
  if (fs::is_directory(eval)) {
    for (const auto& entry : fs::directory_iterator(eval)) {
      const auto number = evaluated_step(entry.path());
      const fs::path summary = entry.path() / (config_.data.chosen().file_prefix + "_SUMMARY.json");
      if (number && *number <= step && fs::exists(summary)) evaluated[*number] = summary;
    }
  }
  train::AfterStep wish = train::AfterStep::kContinue;
  for (const auto& [number, summary] : evaluated) {
    Figures figures;
    const Json reported = read_json(summary);
    for (const auto& [name, value] : reported.items()) {
      figures[name] = value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
    }
    wish = look_at(number, figures);
  }
  return wish;
}

std::optional<int64_t> Stopping::kept() const {
  if (!config_.train.keeps_best() || rule_.best() == 0) return std::nullopt;
  return rule_.best();
}

Json Stopping::record(int64_t last) const {
  std::string ending = rule_.ending();
  if (ending.empty()) {
    ending = forget_ ? cat("the target was not reached in ", counted(last, "step"))
                     : cat("the damage limit was not passed in ", counted(last, "step"));
  }
  const int64_t saved = kept().value_or(last);
  if (saved != last) ending += cat("; the state after step ", saved, " is kept");
  if (rule_.damaged() && !kept()) {
    log::warn("the damaged state after step ", last, " is saved: ",
              config_.train.keeps_best() ? "no earlier evaluation was within the limit"
                                         : "train.keep: best would restore the best one before it");
  }
  log::info(ending);
  const bool passed = (!forget_ || rule_.reached()) && !rule_.damaged();
  return {{"forget", config_.train.stop_forget},
          {"damage", config_.train.stop_damage},
          {"reached", rule_.reached()},
          {"damaged", rule_.damaged()},
          {"passed", passed},
          {"last_step", last},
          {"saved_step", saved},
          {"ending", ending}};
}

int stop_code(const Json& run_json) {
  const auto stop = run_json.find("stop");
  const bool failed = stop != run_json.end() && stop->is_object() && !stop->value("passed", true);
  return failed ? kNotReached : 0;
}

}  // namespace unlearn::run
