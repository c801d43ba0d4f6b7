#include "unlearn/core/printable.h"

#include <algorithm>

#include "unlearn/core/strings.h"

namespace unlearn {
namespace {

constexpr size_t kLongest = 2000;  // bytes of the text

// The length of the UTF-8 character at the beginning, 1 for a byte that begins none.
size_t character_length(std::string_view text) {
  for (size_t length = 2; length <= 4 && length <= text.size(); ++length) {
    if (static_cast<unsigned char>(text[0]) >= 0xC2 && is_valid_utf8(text.substr(0, length))) {
      return length;
    }
  }
  return 1;
}

}  // namespace

std::string printable(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string line;
  for (size_t at = 0; at < text.size();) {
    if (at >= kLongest) return cat(line, "… (", text.size() - at, " bytes more)");
    // Most texts are plain: as much of that as there is, at once.
    size_t end = at;
    while (end < std::min(text.size(), kLongest) && text[end] >= 0x20 && text[end] < 0x7F) ++end;
    if (end > at) {
      line += text.substr(at, end - at);
      at = end;
      continue;
    }
    const auto byte = static_cast<unsigned char>(text[at]);
    const size_t length = character_length(text.substr(at));
    // The control characters above ASCII are U+0080 to U+009F.
    const bool is_high_control =
        length == 2 && byte == 0xC2 && static_cast<unsigned char>(text[at + 1]) < 0xA0;
    if (byte == '\n') {
      line += "\\n";
    } else if ((length == 1 && (byte < 0x20 || byte >= 0x7F)) || is_high_control) {
      for (size_t i = 0; i < length; ++i) {
        const auto code = static_cast<unsigned char>(text[at + i]);
        line += {'\\', 'x', kHex[code >> 4], kHex[code & 15]};
      }
    } else {
      line += text.substr(at, length);
    }
    at += length;
  }
  return line;
}

}  // namespace unlearn
