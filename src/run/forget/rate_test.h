// A short test of learning rates, each from the same weights.
#pragma once

#include <functional>
#include <string>

#include "run/forget/measure.h"
#include "unlearn/run/prepare.h"
#include "unlearn/run/weights.h"

namespace unlearn::run {

struct RateTest {
  RunConfig& config;  // its train.lr and train.max_steps are the test's while it runs
  PreparedRun& run;
  model::CausalLM& model;  // afterwards at `start` again
  const WeightSnapshot& start;
  OwnMeasurements& measurements;
  const metrics::own_data::Measured& before;
  const metrics::own_data::Targets& targets;
  train::RunFolder& folder;  // its metrics are the test's until they are truncated
  std::function<std::string()> reference_key;  // TrainingOptions'
};

// From a usual rate upwards the first that moves the forget rows noticeably in a few steps, and no
// rate that costs the held-out rows a quarter of what they may lose by then. Logs what it tried.
double find_rate(const RateTest& test);

}  // namespace unlearn::run
