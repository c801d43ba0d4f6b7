// The manual page of all commands, as roff.
#pragma once

#include <string>
#include <vector>

#include "cli/flags.h"

namespace unlearn::cli {

std::string manual_page(const std::vector<CommandDoc>& commands);

}  // namespace unlearn::cli
