// Small text helpers shared by every layer.
#pragma once

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace unlearn {

// Concatenates anything that streams: cat("row ", 3, " of ", path).
template <class... Args>
std::string cat(const Args&... args) {
  std::ostringstream out;
  (out << ... << args);
  return out.str();
}

std::string_view trim(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string to_lower(std::string_view ascii);

// A shortest decimal form that keeps `digits` significant digits ("0.5", "1e-05", "nan").
std::string number(double value, int digits = 9);

// The candidate with the smallest edit distance to `name`; empty when there is no candidate.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

// " (did you mean 'beta'?)" when a candidate is close to `name`, else "".
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

// True when `text` is well-formed UTF-8 (no surrogates, no overlong forms).
bool is_valid_utf8(std::string_view text);

}  // namespace unlearn
