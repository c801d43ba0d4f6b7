// Texts of others in messages of ours.
#pragma once

#include <string>
#include <string_view>

namespace unlearn {

// One line for a terminal: control characters as \n or \x1b, what is no UTF-8 as \xff, and of a
// long text its beginning.
std::string printable(std::string_view text);

}  // namespace unlearn
