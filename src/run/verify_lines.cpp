#include "run/verify_lines.h"

#include <iostream>

#include "unlearn/core/strings.h"

namespace unlearn::run {

bool report_line(const std::string& what, const std::string& state, bool differs) {
  std::cout << what << ": " << state << "\n";
  return differs;
}

bool compare_file(const std::string& what, const Json& recorded, const std::filesystem::path& path,
                  std::string (*hash)(const std::filesystem::path&)) {
  if (recorded.is_null()) return report_line(what, "there was none", false);
  if (!std::filesystem::exists(path)) {
    return report_line(what, cat("missing: ", path.string()), true);
  }
  const bool differs = hash(path) != recorded.get<std::string>();
  return report_line(what, cat(differs ? "CHANGED: " : "unchanged: ", path.string()), differs);
}

}  // namespace unlearn::run
