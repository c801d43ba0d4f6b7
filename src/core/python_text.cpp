#include "unlearn/core/python_text.h"

#include <algorithm>
#include <array>

namespace unlearn {
namespace {

using namespace std::string_view_literals;

// What str.isspace() is true for beyond U+0020: UTF-8 of U+0009 to U+000D and U+001C to U+001F as
// ranges below, and these.
constexpr std::array kWideSpaces = {
    "\xC2\x85"sv,      // U+0085 next line
    "\xC2\xA0"sv,      // U+00A0 no-break space
    "\xE1\x9A\x80"sv,  // U+1680 ogham space mark
    "\xE2\x80\x80"sv, "\xE2\x80\x81"sv, "\xE2\x80\x82"sv, "\xE2\x80\x83"sv,  // U+2000 …
    "\xE2\x80\x84"sv, "\xE2\x80\x85"sv, "\xE2\x80\x86"sv, "\xE2\x80\x87"sv,
    "\xE2\x80\x88"sv, "\xE2\x80\x89"sv, "\xE2\x80\x8A"sv,  // … U+200A
    "\xE2\x80\xA8"sv,                                      // U+2028 line separator
    "\xE2\x80\xA9"sv,                                      // U+2029 paragraph separator
    "\xE2\x80\xAF"sv,                                      // U+202F narrow no-break space
    "\xE2\x81\x9F"sv,                                      // U+205F medium mathematical space
    "\xE3\x80\x80"sv,                                      // U+3000 ideographic space
};

bool is_narrow_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1C' && c <= '\x1F');
}

size_t space_at_front(std::string_view text) {
  if (text.empty()) return 0;
  if (is_narrow_space(text.front())) return 1;
  const auto* wide = std::find_if(kWideSpaces.begin(), kWideSpaces.end(),
                                  [&](std::string_view space) { return text.starts_with(space); });
  return wide == kWideSpaces.end() ? 0 : wide->size();
}

size_t space_at_back(std::string_view text) {
  if (text.empty()) return 0;
  if (is_narrow_space(text.back())) return 1;
  const auto* wide = std::find_if(kWideSpaces.begin(), kWideSpaces.end(),
                                  [&](std::string_view space) { return text.ends_with(space); });
  return wide == kWideSpaces.end() ? 0 : wide->size();
}

}  // namespace

std::string_view python_strip(std::string_view text) {
  while (const size_t size = space_at_front(text)) text.remove_prefix(size);
  return python_rstrip(text);
}

std::string_view python_rstrip(std::string_view text) {
  while (const size_t size = space_at_back(text)) text.remove_suffix(size);
  return text;
}

}  // namespace unlearn
