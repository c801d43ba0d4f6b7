// Unicode helpers over ICU for the tokenizer layer; all text is valid UTF-8.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace unlearn::tokenizer {

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };

std::string normalize(std::string_view text, NormalForm form);

// The code point at `position`, which moves past it.
char32_t next_code_point(std::string_view text, size_t& position);
void append_utf8(std::string& out, char32_t c);

bool is_whitespace(char32_t c);      // White_Space
bool is_numeric(char32_t c);         // general category N
bool is_punctuation(char32_t c);     // ASCII punctuation or general category P
bool is_combining_mark(char32_t c);  // general category M
bool is_word_character(char32_t c);  // \w of Rust's regex crate

// Per character, without context (a final sigma stays σ), as Rust's char::to_lowercase.
void append_lowercase(std::string& out, char32_t c);
// Per character, to one character.
void append_titlecase(std::string& out, char32_t c);

// The byte length of trailing / leading whitespace.
size_t trailing_whitespace(std::string_view text);
size_t leading_whitespace(std::string_view text);
// The last code point before the end of a non-empty text.
char32_t last_code_point(std::string_view text);

// Bytes to UTF-8 with U+FFFD for each maximal ill-formed part, as Rust's from_utf8_lossy.
std::string utf8_lossy(std::string_view bytes);

}  // namespace unlearn::tokenizer
