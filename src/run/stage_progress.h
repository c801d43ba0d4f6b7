// Progress of an evaluation's stages: a line that is redrawn on a terminal, now and then a line
// elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace unlearn::run {

class StageProgress {
 public:
  StageProgress();
  ~StageProgress();
  StageProgress(const StageProgress&) = delete;
  StageProgress& operator=(const StageProgress&) = delete;

  void show(const std::string& stage, int64_t done, int64_t total);

 private:
  using Clock = std::chrono::steady_clock;
  bool terminal_;
  bool open_line_ = false;
  std::string stage_;
  int64_t first_ = 0;  // items done when the stage was first seen
  Clock::time_point start_, last_;
};

}  // namespace unlearn::run
