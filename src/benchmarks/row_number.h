// A number of an evaluation's stored row by its field.
#pragma once

#include <algorithm>
#include <optional>

#include "unlearn/core/json.h"

namespace unlearn::benchmarks {

// A text as a template argument.
template <size_t kSize>
struct FieldName {
  // NOLINTNEXTLINE(google-explicit-constructor): a literal names the field.
  constexpr FieldName(const char (&text)[kSize]) { std::copy_n(text, kSize, chars); }
  char chars[kSize];
};

// None for null, which a diverged model's number becomes.
template <FieldName kField>
std::optional<double> number_of_row(const Json& row) {
  const auto value = row.find(kField.chars);
  if (value == row.end() || !value->is_number()) return std::nullopt;
  return value->template get<double>();
}

}  // namespace unlearn::benchmarks
