// Reads the files that scripts/goldens/metrics.py writes.
#pragma once

#include <string>

#include "unlearn/core/json.h"

namespace unlearn::metrics {

inline Json golden(const std::string& name) {
  return read_json(std::string(UNLEARN_TEST_DIR) + "/golden/metrics/" + name + ".json");
}

}  // namespace unlearn::metrics
