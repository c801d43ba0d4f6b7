// Numbers of an evaluation by name: of a stored row, and a metric's aggregate.
#pragma once

#include <algorithm>
#include <optional>

#include "unlearn/core/json.h"
#include "unlearn/metrics/eval_log.h"

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

template <FieldName kMetric>
std::optional<double> value_of_metric(const metrics::EvalReport& report) {
  const auto metric = report.find(kMetric.chars);
  return metric == report.end() ? std::nullopt : metric->second.value;
}

}  // namespace unlearn::benchmarks
