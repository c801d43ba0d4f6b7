#include "commands/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iomanip>
#include <iostream>

#include "unlearn/core/log.h"

namespace unlearn::commands {
namespace {

constexpr int kBarWidth = 24;

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  std::ostringstream text;
  if (whole >= 3600) text << whole / 3600 << "h";
  if (whole >= 60) text << whole / 60 % 60 << "m";
  text << whole % 60 << "s";
  return text.str();
}

std::string summary(const train::StepRecord& record, double left) {
  std::ostringstream text;
  text << "loss " << number(record.loss, 5);
  for (const auto& [name, value] : record.terms) text << "  " << name << " " << number(value, 5);
  text << "  lr " << number(record.lr, 3) << "  |g| " << number(record.grad_norm, 4) << "  "
       << number(static_cast<double>(record.tokens) / std::max(record.seconds, 1e-9), 4)
       << " tok/s  " << duration_text(left) << " left";
  return text.str();
}

// 0: not known.
int64_t terminal_width() {
  winsize size{};
  if (::ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* columns = std::getenv("COLUMNS");
  return columns == nullptr ? 0 : std::strtol(columns, nullptr, 10);
}

}  // namespace

std::string fit_to_terminal(const std::string& text) {
  const int64_t width = terminal_width();
  // The last column stays free: some terminals wrap when it is filled.
  return width > 1 ? text.substr(0, static_cast<size_t>(width) - 1) : text;
}

Progress::Progress(int64_t log_every) : log_every_(log_every), terminal_(::isatty(2) == 1) {}

Progress::~Progress() {
  if (open_line_) std::cerr << "\n";
}

void Progress::show(const train::StepRecord& record, int64_t total_steps) {
  seconds_ += record.seconds;
  ++steps_;
  const double left =
      seconds_ / static_cast<double>(steps_) * static_cast<double>(total_steps - record.step);
  if (terminal_) {
    draw_bar(record, total_steps, left);
  } else if (record.step % log_every_ == 0 || record.step == total_steps) {
    log::info("step ", record.step, "/", total_steps, "  ", summary(record, left));
  }
}

void Progress::draw_bar(const train::StepRecord& record, int64_t total_steps, double left) {
  if (!log::enabled(log::Level::kInfo)) return;
  const auto filled = static_cast<int>(kBarWidth * record.step / total_steps);
  const std::string line = cat("[", std::string(static_cast<size_t>(filled), '#'),
                               std::string(static_cast<size_t>(kBarWidth - filled), '.'), "] ",
                               record.step, "/", total_steps, "  ", summary(record, left));
  std::cerr << "\r\x1b[K" << fit_to_terminal(line) << std::flush;
  open_line_ = true;
}

}  // namespace unlearn::commands
