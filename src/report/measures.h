// The measures that reports show: what they are called, and what is better.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace unlearn::report {

enum class Better {
  kHigher,
  kLower,
  kChance,  // the retain model's value, without one 0.5
  kZero
};

struct Measure {
  const char* name;   // in eval/*_SUMMARY.json
  const char* label;  // in pages
  const char* group;  // Forgetting, Keeping, Fluency or Membership
  Better better;
  const char* help;
};

// In the order in which papers print them.
const std::vector<Measure>& measures();
const std::vector<std::string>& measure_groups();

// How far from the best; smaller is better. `retain` is the retain model's value.
double distance(const Measure& measure, double value, std::optional<double> retain);
// "↑", "↓", "→ 0.5", "→ 0"
std::string direction_text(const Measure& measure);

}  // namespace unlearn::report
