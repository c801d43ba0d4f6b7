// Runs the tree of a template.
#pragma once

#include "jinja/syntax.h"

namespace unlearn::jinja {

// The text of `root` for these variables. UserError "line N: …".
std::string run(const Node& root, Dict variables);

}  // namespace unlearn::jinja
