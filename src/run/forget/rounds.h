// Training in rounds: after each, what is forgotten and what is lost; the best state is kept.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "run/forget/measure.h"
#include "unlearn/run/prepare.h"
#include "unlearn/run/train.h"
#include "unlearn/run/weights.h"

namespace unlearn::run {

struct RoundsInput {
  const RunConfig& config;
  const PreparedRun& run;
  model::CausalLM& model;
  const WeightSnapshot& start;
  train::RunFolder& folder;
  OwnMeasurements& measurements;
  const metrics::own_data::Measured& before;
  const metrics::own_data::Targets& targets;
  int64_t steps_per_round = 1;
  std::function<std::string()> reference_key;
  std::function<void(const train::StepRecord&, int64_t total)> on_step;
};

struct RoundsResult {
  int64_t step = 0;  // of the best state; 0: no state was better than the one before the first step
  int64_t last = 0;  // step that the training went to
  std::vector<double> distance;       // of the best state from the target, to compare trainings by
  bool reached = false;               // of the best state, within the damage limit
  bool damaged = false;               // ended by the damage limit, or by a loss that is not finite
  metrics::own_data::Measured after;  // everything, of the best state
  std::string ending;                 // one sentence
};

// Trains until a state passes (metrics/own_data/verdict.h), the damage limit is passed, ten rounds
// bring nothing better, or the plan ends. The model has the best state's weights afterwards.
RoundsResult train_in_rounds(const RoundsInput& input);

}  // namespace unlearn::run
