// What bash, zsh and fish need to complete commands, flags and values.
#pragma once

#include <string>
#include <vector>

#include "cli/flags.h"

namespace unlearn::cli {

std::vector<std::string> shell_names();

// The script for one of shell_names().
std::string completion_script(const std::string& shell, const std::vector<CommandDoc>& commands);

}  // namespace unlearn::cli
