#pragma once

#include "benchmarks/tofu/log.h"

namespace unlearn::benchmarks::tofu {

TofuLog parse_aggregated_log(const Json& json, const std::string& source);
TofuLog parse_open_unlearning_log(const Json& json, const std::string& source);

}  // namespace unlearn::benchmarks::tofu
