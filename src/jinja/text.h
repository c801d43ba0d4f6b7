// Python's text functions, on UTF-8. Letter case is changed for ASCII only; white space is
// Python's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace unlearn::jinja {

// The longest text that an operation may make, in bytes.
inline constexpr size_t kLongestResult = size_t{1} << 24;
// UserError when `size` is more.
void check_length(size_t size);

// join() of core/strings, with a checked length.
std::string joined(const std::vector<std::string>& parts, const std::string& separator);
// Takes the characters of `set` (empty: white space) from one or both ends.
std::string strip(const std::string& text, const std::string& set, bool left, bool right);
// str.split(separator, most) and rsplit; most < 0: no limit.
std::vector<std::string> split_text(const std::string& text, const std::string& separator,
                                    int64_t most);
std::vector<std::string> split_from_right(const std::string& text, const std::string& separator,
                                          int64_t most);
// str.split() without a separator.
std::vector<std::string> split_at_space(const std::string& text, int64_t most, bool from_right);
std::vector<std::string> split_lines(const std::string& text);
// str.replace; most < 0: no limit.
std::string replaced(const std::string& text, const std::string& from, const std::string& to,
                     int64_t most);
std::string upper(const std::string& text);
std::string lower(const std::string& text);
std::string title(const std::string& text);
std::string capitalized(const std::string& text);

}  // namespace unlearn::jinja
