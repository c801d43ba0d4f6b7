#include "unlearn/config/interval.h"

#include <algorithm>
#include <charconv>

namespace unlearn::config {

std::optional<int64_t> parse_interval(const std::string& text, int64_t steps_per_epoch) {
  if (text == "never") return 0;
  if (text == "epoch") return std::max<int64_t>(1, steps_per_epoch);
  int64_t steps = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), steps);
  if (error != std::errc() || end != text.data() + text.size() || steps < 1) return std::nullopt;
  return steps;
}

}  // namespace unlearn::config
