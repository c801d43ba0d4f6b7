#pragma once

#include <cmath>
#include <optional>

#include "unlearn/core/json.h"

namespace unlearn::metrics {

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

// As Python writes it; printf would tell the sign of a NaN.
inline const char* name_of_non_finite(double value) {
  return std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

}  // namespace unlearn::metrics
