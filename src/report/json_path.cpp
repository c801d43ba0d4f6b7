#include "report/json_path.h"

#include <cmath>
#include <sstream>

namespace unlearn::report {

Json at_path(const Json& value, const std::vector<std::string>& keys) {
  const Json* place = &value;
  for (const std::string& key : keys) {
    if (!place->is_object()) return {};
    const auto found = place->find(key);
    if (found == place->end()) return {};
    place = &*found;
  }
  return *place;
}

std::string shown_number(const Json& value, int places) {
  if (!value.is_number()) return "not measured";
  const auto number = value.get<double>();
  if (!std::isfinite(number)) return "no number";
  std::ostringstream out;
  out.setf(std::ios::fixed);
  out.precision(places);
  out << number;
  return out.str();
}

std::string shown_text(const Json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace unlearn::report
