#include "unlearn/run/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iomanip>
#include <iostream>

#include "unlearn/core/log.h"

namespace unlearn::run {
namespace {

constexpr int kBarWidth = 16;
constexpr int64_t kUsualTerminal = 80;

// What is reported of a step, the most wanted first.
std::vector<std::string> figures(const train::StepRecord& record) {
  std::vector<std::string> parts = {cat("loss ", number(record.loss, 5))};
  for (const auto& [name, value] : record.terms) parts.push_back(cat(name, " ", number(value, 5)));
  parts.push_back(cat("lr ", number(record.lr, 3)));
  parts.push_back(cat("|g| ", number(record.grad_norm, 4)));
  const double rate = static_cast<double>(record.tokens) / std::max(record.seconds, 1e-9);
  parts.push_back(cat(number(rate, 4), " tok/s"));
  return parts;
}

// 0: not known.
int64_t terminal_width() {
  winsize size{};
  if (::ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* columns = std::getenv("COLUMNS");
  return columns == nullptr ? 0 : std::strtol(columns, nullptr, 10);
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  std::ostringstream text;
  if (whole >= 3600) text << whole / 3600 << "h";
  if (whole >= 60) text << whole / 60 % 60 << "m";
  text << whole % 60 << "s";
  return text.str();
}

std::string progress_line(const train::StepRecord& record, int64_t total_steps, double left,
                          int64_t width) {
  const auto filled = static_cast<int>(kBarWidth * record.step / total_steps);
  std::string line = cat("[", std::string(static_cast<size_t>(filled), '#'),
                         std::string(static_cast<size_t>(kBarWidth - filled), '.'), "] ",
                         record.step, "/", total_steps, "  ", duration_text(left), " left");
  for (const std::string& part : figures(record)) {
    // The last column stays free: some terminals wrap when it is filled.
    if (line.size() + 2 + part.size() >= static_cast<size_t>(width)) break;
    line += "  " + part;
  }
  return line;
}

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
    log::info("step ", record.step, "/", total_steps, "  ", join(figures(record), "  "), "  ",
              duration_text(left), " left");
  }
}

void Progress::draw_bar(const train::StepRecord& record, int64_t total_steps, double left) {
  if (!log::enabled(log::Level::kInfo)) return;
  const int64_t width = terminal_width();
  const std::string line =
      progress_line(record, total_steps, left, width > 0 ? width : kUsualTerminal);
  std::cerr << "\r\x1b[K" << fit_to_terminal(line) << std::flush;
  open_line_ = true;
}

}  // namespace unlearn::run
