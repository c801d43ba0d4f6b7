// Tokens to the tree of a template.
#pragma once

#include "jinja/syntax.h"

namespace unlearn::jinja {

// UserError "line N: …" for a tag or a form that is not known.
NodePtr parse(const std::string& source);

}  // namespace unlearn::jinja
