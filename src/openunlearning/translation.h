// unlearn --from-openunlearning: our command line for one of OpenUnlearning's.
#pragma once

#include <string>
#include <vector>

namespace unlearn::openunlearning {

// `arguments`: the command line or only its Hydra overrides, as one text or as words. The result
// can be pasted into a shell: lines of comment, then the command. UserError for what is not known
// or has no counterpart.
std::string our_command(const std::vector<std::string>& arguments);

}  // namespace unlearn::openunlearning
