// Names of what is built in, for suggestions and completions.
#pragma once

#include <string>
#include <vector>

namespace unlearn::commands {

// The lists of `unlearn list`, and the names in one of them ("methods" with their other spellings,
// "settings" as dotted keys).
std::vector<std::string> list_names();
std::vector<std::string> names_in_list(const std::string& list);

std::vector<std::string> setting_names();

}  // namespace unlearn::commands
