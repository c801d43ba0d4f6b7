#pragma once

#include <optional>

#include "unlearn/core/json.h"

namespace unlearn::metrics {

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace unlearn::metrics
