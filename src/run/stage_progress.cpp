#include "run/stage_progress.h"

#include <unistd.h>

#include <iostream>

#include "unlearn/core/log.h"
#include "unlearn/run/progress.h"

namespace unlearn::run {
namespace {

constexpr double kSecondsBetweenLines = 10;

}  // namespace

StageProgress::StageProgress()
    : terminal_(::isatty(2) == 1), start_(Clock::now()), last_(Clock::now()) {}

StageProgress::~StageProgress() {
  if (open_line_) std::cerr << "\n";
}

void StageProgress::show(const std::string& stage, int64_t done, int64_t total) {
  const auto now = Clock::now();
  if (stage != stage_) {
    if (open_line_) std::cerr << "\n";
    open_line_ = false;
    stage_ = stage;
    first_ = done;
    start_ = now;
  }
  std::string text = cat(stage, " ", done, "/", total);
  const double seconds = std::chrono::duration<double>(now - start_).count();
  if (done > first_ && done < total) {
    const double left =
        seconds / static_cast<double>(done - first_) * static_cast<double>(total - done);
    text += cat(", ", number(left, left < 10 ? 1 : 2), " s left");
  }
  if (terminal_ && log::enabled(log::Level::kInfo)) {
    std::cerr << "\r\x1b[K" << fit_to_terminal(text) << std::flush;
    open_line_ = true;
  } else if (done == total ||
             std::chrono::duration<double>(now - last_).count() > kSecondsBetweenLines) {
    log::info(text);
    last_ = now;
  }
}

}  // namespace unlearn::run
