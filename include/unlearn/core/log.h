// The program's log: to stderr, one line a message. Backed by spdlog, which stays in log.cpp.
#pragma once

#include <string>

#include "unlearn/core/strings.h"

namespace unlearn::log {

enum class Level { kDebug, kInfo, kWarning, kError, kOff };

// "debug", "info", "warning", "error", "off"; UserError otherwise.
Level parse_level(const std::string& name);
void set_level(Level level);
bool enabled(Level level);
void write(Level level, const std::string& message);

template <class... Args>
void debug(const Args&... args) {
  write(Level::kDebug, cat(args...));
}
template <class... Args>
void info(const Args&... args) {
  write(Level::kInfo, cat(args...));
}
template <class... Args>
void warn(const Args&... args) {
  write(Level::kWarning, cat(args...));
}

}  // namespace unlearn::log
