// The lines that `unlearn verify` prints.
#pragma once

#include <filesystem>
#include <string>

#include "unlearn/core/json.h"

namespace unlearn::run {

// One line; returns `differs`.
bool report_line(const std::string& what, const std::string& state, bool differs);
// A file or folder, by its hash as it was recorded (null: there was none). Returns whether it
// differs.
bool compare_file(const std::string& what, const Json& recorded, const std::filesystem::path& path,
                  std::string (*hash)(const std::filesystem::path&));

}  // namespace unlearn::run
