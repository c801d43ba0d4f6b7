// The TOFU repository's reference logs, which are not part of this repository.
#pragma once

#include <filesystem>
#include <string>

namespace unlearn::metrics {

inline std::filesystem::path shared_log(const std::string& name) {
  return std::filesystem::path(UNLEARN_SHARED_DIR) / "tofu" / "eval_logs" / (name + ".json");
}

}  // namespace unlearn::metrics

#define SKIP_WITHOUT_SHARED_LOGS()                                                  \
  if (!std::filesystem::exists(UNLEARN_SHARED_DIR)) {                               \
    GTEST_SKIP() << "no reference logs: " << UNLEARN_SHARED_DIR << " is not there"; \
  }
