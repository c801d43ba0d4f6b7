// Files that are part of the program (cmake/Embed.cmake).
#pragma once

#include <string_view>

namespace unlearn::report {

// The content of src/report/templates/<name>; "chart.js" and "chart-licence.txt" are the chart
// library, where the build had it. "" where there is no such file.
std::string_view asset(std::string_view name);

}  // namespace unlearn::report
