#include "tokenizer/bytes.h"

#include <array>

#include "tokenizer/unicode.h"

namespace unlearn::tokenizer {
namespace {

struct Alphabet {
  std::array<std::string, 256> spelled;
  std::array<int, 512> byte_of{};
};

bool is_printable(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

const Alphabet& alphabet() {
  static const Alphabet made = [] {
    Alphabet out;
    out.byte_of.fill(-1);
    char32_t next = 256;
    for (int byte = 0; byte < 256; ++byte) {
      const char32_t c = is_printable(byte) ? static_cast<char32_t>(byte) : next++;
      append_utf8(out.spelled[static_cast<size_t>(byte)], c);
      out.byte_of[c] = byte;
    }
    return out;
  }();
  return made;
}

}  // namespace

void append_byte_level(std::string& out, std::string_view text) {
  const Alphabet& table = alphabet();
  for (const char c : text) out += table.spelled[static_cast<unsigned char>(c)];
}

void append_spelled_bytes(std::string& out, std::string_view token) {
  const Alphabet& table = alphabet();
  const size_t before = out.size();
  for (size_t i = 0; i < token.size();) {
    const char32_t c = next_code_point(token, i);
    const int byte = c < table.byte_of.size() ? table.byte_of[c] : -1;
    if (byte < 0) {
      out.resize(before);
      out += token;
      return;
    }
    out.push_back(static_cast<char>(byte));
  }
}

}  // namespace unlearn::tokenizer
