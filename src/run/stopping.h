// train.stop and train.keep: best: evaluations during a training that end it and choose its state.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "run/stop_rule.h"
#include "unlearn/core/json.h"
#include "unlearn/metrics/eval_log.h"
#include "unlearn/run/run_config.h"

namespace unlearn::run {

// "METRIC <= X": a number that an evaluation reports, and when the condition holds.
struct MetricLimit {
  std::string metric;
  bool is_below = true;      // holds below the value; else above it
  bool is_inclusive = true;  // and at the value itself
  double value = 0;

  // UserError with `key` in front.
  static MetricLimit parse(const std::string& text, const std::string& key);
  bool holds(double measured) const;
  // How far `measured` is from where it holds; 0 there.
  double excess(double measured) const;
};

// What train.stop asks for: evaluations during the run, and metrics that they report. UserError
// names what is missing.
void check_stop(const RunConfig& config);

class Stopping {
 public:
  explicit Stopping(const RunConfig& config);

  // After an evaluation. To keep a state is asked for with train.keep: best alone. A metric without
  // a value (a model that diverged, a log that is missing) counts as damage, or as not reached.
  train::AfterStep look(int64_t step, const metrics::Evaluation& evaluation);
  // The same for all evaluations in <eval>/step-N up to `step`, of a run that goes on.
  train::AfterStep recall(const std::filesystem::path& eval, int64_t step);

  // The step of the best state, with train.keep: best.
  std::optional<int64_t> kept() const;
  // What run.json says of it when the training has ended after `last`.
  Json record(int64_t last) const;

 private:
  using Figures = std::map<std::string, std::optional<double>>;
  train::AfterStep look_at(int64_t step, const Figures& figures);

  const RunConfig& config_;
  std::optional<MetricLimit> forget_, damage_;
  StopRule rule_;
};

// The exit code of a run that is done, by its run.json: kNotReached (run/forget.h) where train.stop
// was not satisfied, else 0.
int stop_code(const Json& run_json);

}  // namespace unlearn::run
