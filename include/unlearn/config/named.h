// Options that take one of a few values: each value with the word that stands for it in settings.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "unlearn/core/error.h"

namespace unlearn::config {

// A table of these stands beside its enum: constexpr Named<Schedule> kSchedules[] = {…}. Where
// `auto` stands for no value yet, the values are optionals and {std::nullopt, "auto"} is in it.
template <class Value>
struct Named {
  Value value;
  std::string_view name;
};

// The words, in the table's order.
template <class Table>
std::vector<std::string> names_in(const Table& table) {
  std::vector<std::string> names;
  for (const auto& entry : table) names.emplace_back(entry.name);
  return names;
}

// The word of a value; it must be in the table.
template <class Table, class Value>
std::string name_in(const Table& table, const Value& value) {
  const auto found = std::find_if(std::begin(table), std::end(table),
                                  [&](const auto& entry) { return entry.value == value; });
  UNLEARN_CHECK(found != std::end(table), "a value without a name");
  return std::string(found->name);
}

// The value of a word; it must be in the table.
template <class Table>
auto value_in(const Table& table, std::string_view name) {
  const auto found = std::find_if(std::begin(table), std::end(table),
                                  [&](const auto& entry) { return entry.name == name; });
  UNLEARN_CHECK(found != std::end(table), name);
  return found->value;
}

}  // namespace unlearn::config
