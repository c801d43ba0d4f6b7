#include "run/stop_rule.h"

#include "unlearn/core/plural.h"

namespace unlearn::run {

train::AfterStep StopRule::look(int64_t step, const MeasuredState& state) {
  if (state.damaged) {
    damaged_ = true;
    return stop(cat("the damage limit was passed after ", counted(step, "step")));
  }
  const bool is_best = !nearest_ || state.distance < *nearest_;
  if (is_best) {
    best_ = step;
    nearest_ = state.distance;
  }
  if (!state.reached) return is_best ? train::AfterStep::kKeep : train::AfterStep::kContinue;
  reached_ = true;
  stop(cat("the target is reached after ", counted(step, "step")));
  return is_best ? train::AfterStep::kKeepAndStop : train::AfterStep::kStop;
}

train::AfterStep StopRule::stop(std::string ending) {
  ending_ = std::move(ending);
  return train::AfterStep::kStop;
}

}  // namespace unlearn::run
