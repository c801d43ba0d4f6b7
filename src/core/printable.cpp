#include "unlearn/core/printable.h"

#include <algorithm>

#include "unlearn/core/strings.h"

namespace unlearn {
namespace {

constexpr size_t kLongest = 2000;  // bytes of the text

bool is_plain(char c) { return c >= 0x20 && c < 0x7F; }

// The length of the UTF-8 character at the beginning, 1 for a byte that begins none.
size_t character_length(std::string_view text) {
  for (size_t length = 2; length <= 4 && length <= text.size(); ++length) {
    if (static_cast<unsigned char>(text[0]) >= 0xC2 && is_valid_utf8(text.substr(0, length))) {
      return length;
    }
  }
  return 1;
}

// Controls above ASCII: U+0080 to U+009F, and what ends a line or turns the direction of what
// follows (U+2028 to U+202E, U+2066 to U+2069, U+200E, U+200F, U+061C).
bool is_control(std::string_view character) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return !is_plain(character[0]);
  if (character.size() == 2) return (byte(0) == 0xC2 && byte(1) < 0xA0) || character == "\u061c";
  if (character.size() != 3 || byte(0) != 0xE2) return false;
  if (byte(1) == 0x80)
    return byte(2) == 0x8E || byte(2) == 0x8F || (byte(2) >= 0xA8 && byte(2) <= 0xAE);
  return byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9;
}

}  // namespace

std::string printable(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string line;
  for (size_t at = 0; at < text.size();) {
    if (at >= kLongest) return cat(line, "… (", text.size() - at, " bytes more)");
    // Most texts are plain: as much of that as there is, at once.
    size_t end = at;
    while (end < std::min(text.size(), kLongest) && is_plain(text[end])) ++end;
    if (end > at) {
      line += text.substr(at, end - at);
      at = end;
      continue;
    }
    const std::string_view character = text.substr(at, character_length(text.substr(at)));
    if (character == "\n") {
      line += "\\n";
    } else if (is_control(character)) {
      for (const char c : character) {
        const auto code = static_cast<unsigned char>(c);
        line += {'\\', 'x', kHex[code >> 4], kHex[code & 15]};
      }
    } else {
      line += character;
    }
    at += character.size();
  }
  return line;
}

}  // namespace unlearn
