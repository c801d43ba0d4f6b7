// How often something is done in a run, as settings say it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace unlearn::config {

// Steps between two times: of "never" 0, of "epoch" those of an epoch (at least 1), of a number
// itself; unset for any other text.
std::optional<int64_t> parse_interval(const std::string& text, int64_t steps_per_epoch);

}  // namespace unlearn::config
