// When a training that is measured on its way ends, and which of its states is the best.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/train/trainer.h"

namespace unlearn::run {

// What one measurement of the model in training says.
struct MeasuredState {
  std::vector<double> distance = {};  // from the target, compared in order; less is better
  bool reached = false;
  bool damaged = false;  // past the limit: never the best
};

class StopRule {
 public:
  // With a distance, only states nearer to the target than that are better than none.
  explicit StopRule(std::optional<std::vector<double>> start = {}) : nearest_(std::move(start)) {}

  // To keep the state where it is the best so far; to stop where the target is reached or the
  // damage limit passed.
  train::AfterStep look(int64_t step, const MeasuredState& state);
  // For another reason.
  train::AfterStep stop(std::string ending);

  int64_t best() const { return best_; }  // its step; 0: none
  // The best state's, or where there is none that of the start.
  const std::vector<double>& distance() const { return nearest_.value(); }
  bool reached() const { return reached_; }
  bool damaged() const { return damaged_; }
  const std::string& ending() const { return ending_; }  // why it stopped; "" where it did not

 private:
  std::optional<std::vector<double>> nearest_;
  int64_t best_ = 0;
  bool reached_ = false, damaged_ = false;
  std::string ending_;
};

}  // namespace unlearn::run
