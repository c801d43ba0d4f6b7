#pragma once

#include "unlearn/metrics/tofu_log.h"

namespace unlearn::metrics {

TofuLog parse_aggregated_log(const Json& json, const std::string& source);
TofuLog parse_open_unlearning_log(const Json& json, const std::string& source);

}  // namespace unlearn::metrics
