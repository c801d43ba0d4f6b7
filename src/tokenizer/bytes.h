// GPT-2's spelling of bytes as printable characters (bytes_to_unicode in its encoder.py).
#pragma once

#include <string>
#include <string_view>

namespace unlearn::tokenizer {

void append_byte_level(std::string& out, std::string_view text);

// The bytes that `token` spells; its own UTF-8 when a character is not in the alphabet.
void append_spelled_bytes(std::string& out, std::string_view token);

}  // namespace unlearn::tokenizer
