// Progress of a run: a bar on a terminal, a line every N steps elsewhere.
#pragma once

#include <chrono>
#include <string>

#include "unlearn/train/trainer.h"

namespace unlearn::run {

// The first columns of a one-line text, as many as the terminal on stderr shows: a longer line
// would wrap, and redrawing it would leave rows behind.
std::string fit_to_terminal(const std::string& text);

// The bar on a terminal of `width` columns: time left first, then as many whole figures as fit.
std::string progress_line(const train::StepRecord& record, int64_t total_steps, double left,
                          int64_t width);

// "1h2m3s".
std::string duration_text(double seconds);

class Progress {
 public:
  explicit Progress(int64_t log_every);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const train::StepRecord& record, int64_t total_steps);

 private:
  void draw_bar(const train::StepRecord& record, int64_t total_steps, double left);

  int64_t log_every_;
  bool terminal_;
  bool open_line_ = false;
  double seconds_ = 0;  // of the steps shown
  int64_t steps_ = 0;
};

}  // namespace unlearn::run
