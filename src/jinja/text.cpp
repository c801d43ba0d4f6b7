#include "jinja/text.h"

#include <algorithm>
#include <cctype>

#include "jinja/value.h"
#include "unlearn/core/error.h"

namespace unlearn::jinja {
namespace {

// What str.isspace() holds for.
const std::vector<std::string_view>& white_space() {
  static const std::vector<std::string_view> characters = {
      " ",      "\t",     "\n",     "\v",     "\f",     "\r",     "\x1c",   "\x1d",
      "\x1e",   "\x1f",   "\u0085", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002",
      "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a",
      "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};
  return characters;
}

bool is_in(const std::vector<std::string_view>& set, std::string_view character) {
  return std::find(set.begin(), set.end(), character) != set.end();
}

std::string text_of(const std::vector<std::string_view>& parts, size_t begin, size_t end) {
  std::string text;
  for (size_t i = begin; i < end; ++i) text += parts[i];
  return text;
}

char ascii_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

// Changing the case of other letters needs Unicode's tables; no template does it.
std::string cased(const std::string& text, char (*change)(char)) {
  if (!is_ascii(text)) user_error("upper, lower, title: only for ASCII letters here");
  std::string result = text;
  std::transform(result.begin(), result.end(), result.begin(), change);
  return result;
}

}  // namespace

void check_length(size_t size) {
  if (size > kLongestResult) user_error("the text is too large");
}

std::string joined(const std::vector<std::string>& parts, const std::string& separator) {
  size_t size = 0;
  for (const std::string& part : parts) {
    size += part.size() + separator.size();
    check_length(size - std::min(size, separator.size()));
  }
  return join(parts, separator);
}

std::string strip(const std::string& text, const std::string& set, bool left, bool right) {
  const std::vector<std::string_view> cut = set.empty() ? white_space() : characters(set);
  const std::vector<std::string_view> all = characters(text);
  size_t begin = 0, end = all.size();
  while (left && begin < end && is_in(cut, all[begin])) ++begin;
  while (right && end > begin && is_in(cut, all[end - 1])) --end;
  return text_of(all, begin, end);
}

std::vector<std::string> split_text(const std::string& text, const std::string& separator,
                                    int64_t most) {
  if (separator.empty()) user_error("the separator is empty");
  std::vector<std::string> parts;
  size_t begin = 0;
  while (most < 0 || static_cast<int64_t>(parts.size()) < most) {
    const size_t at = text.find(separator, begin);
    if (at == std::string::npos) break;
    parts.push_back(text.substr(begin, at - begin));
    begin = at + separator.size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

std::vector<std::string> split_from_right(const std::string& text, const std::string& separator,
                                          int64_t most) {
  std::vector<std::string> parts;
  size_t end = text.size();
  while (most < 0 || static_cast<int64_t>(parts.size()) < most) {
    if (end < separator.size()) break;
    const size_t at = text.rfind(separator, end - separator.size());
    if (at == std::string::npos) break;
    parts.push_back(text.substr(at + separator.size(), end - at - separator.size()));
    end = at;
  }
  parts.push_back(text.substr(0, end));
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<std::string> split_at_space(const std::string& text, int64_t most, bool from_right) {
  std::vector<std::string_view> all = characters(text);
  if (from_right) std::reverse(all.begin(), all.end());
  std::vector<std::string> parts;
  const auto add = [&](size_t begin, size_t end) {
    std::vector<std::string_view> part(all.begin() + static_cast<std::ptrdiff_t>(begin),
                                       all.begin() + static_cast<std::ptrdiff_t>(end));
    if (from_right) std::reverse(part.begin(), part.end());
    parts.push_back(text_of(part, 0, part.size()));
  };
  size_t at = 0;
  while (true) {
    while (at < all.size() && is_in(white_space(), all[at])) ++at;
    if (at == all.size()) break;
    size_t end = at;
    if (most >= 0 && static_cast<int64_t>(parts.size()) == most) {
      end = all.size();
      while (end > at && is_in(white_space(), all[end - 1])) --end;
      add(at, end);
      break;
    }
    while (end < all.size() && !is_in(white_space(), all[end])) ++end;
    add(at, end);
    at = end;
  }
  if (from_right) std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find_first_of("\n\r", begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + (text.compare(end, 2, "\r\n") == 0 ? 2 : 1);
  }
  return lines;
}

std::string replaced(const std::string& text, const std::string& from, const std::string& to,
                     int64_t most) {
  if (!from.empty()) return joined(split_text(text, from, most), to);
  // Python puts `to` before every character and at the end.
  std::string result;
  int64_t count = 0;
  const auto insert = [&] {
    if (most >= 0 && count++ >= most) return;
    result += to;
    check_length(result.size());
  };
  for (const std::string_view character : characters(text)) {
    insert();
    result += character;
  }
  insert();
  return result;
}

std::string upper(const std::string& text) { return cased(text, ascii_upper); }
std::string lower(const std::string& text) { return cased(text, ascii_lower); }

std::string title(const std::string& text) {
  std::string result = lower(text);
  bool inside = false;
  for (char& c : result) {
    const bool is_letter = c >= 'a' && c <= 'z';
    if (is_letter && !inside) c = ascii_upper(c);
    inside = is_letter;
  }
  return result;
}

std::string capitalized(const std::string& text) {
  std::string result = lower(text);
  if (!result.empty()) result[0] = ascii_upper(result[0]);
  return result;
}

}  // namespace unlearn::jinja
