// The names of a table of functions, for the errors that list them.
#pragma once

#include <string>
#include <vector>

#include "unlearn/core/strings.h"

namespace unlearn::jinja {

template <class Table>
std::string names_of(const Table& table) {
  std::vector<std::string> names;
  for (const auto& item : table) names.push_back(item.first);
  return join(names, ", ");
}

}  // namespace unlearn::jinja
