#include "unlearn/core/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

#include "unlearn/core/error.h"
#include "unlearn/core/printable.h"

namespace unlearn::log {
namespace {

spdlog::logger& logger() {
  static const auto instance = [] {
    const auto colour = std::getenv("NO_COLOR") != nullptr ? spdlog::color_mode::never
                                                           : spdlog::color_mode::automatic;
    auto created = spdlog::stderr_color_mt("unlearn", colour);
    created->set_pattern("%H:%M:%S %^%l%$ %v");
    created->flush_on(spdlog::level::trace);
    return created;
  }();
  return *instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
    case Level::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

}  // namespace

Level parse_level(const std::string& name) {
  if (name == "debug") return Level::kDebug;
  if (name == "info") return Level::kInfo;
  if (name == "warning" || name == "warn") return Level::kWarning;
  if (name == "error") return Level::kError;
  if (name == "off") return Level::kOff;
  user_error("--log-level: unknown level '", name, "'; use debug, info, warning, error or off");
}

void set_level(Level level) { logger().set_level(to_spdlog(level)); }

bool enabled(Level level) { return logger().should_log(to_spdlog(level)); }

void write(Level level, const std::string& message) {
  logger().log(to_spdlog(level), "{}", printable(message));
}

}  // namespace unlearn::log
