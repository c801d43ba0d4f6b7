// ICU for this folder: text as code points.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace unlearn::metrics::own_data {

// NFKC; bytes that are no UTF-8 become U+FFFD.
std::u32string compatible_form(std::string_view utf8);
// With U+FFFD for bytes that are no UTF-8.
std::string readable(std::string_view bytes);
std::string to_utf8(std::u32string_view text);
// Case folded, then only letters, marks and digits; Latin, Greek and Cyrillic letters without their
// accents (Łódź as lodz).
std::string fold_key(std::u32string_view text);
// Umlauts and their like as two letters (Müller as Mueller).
std::u32string with_digraphs(std::u32string_view text);

bool is_letter(char32_t c);  // or a combining mark
bool is_digit(char32_t c);
bool is_capital(char32_t c);
bool is_unspaced(char32_t c);
// Lower case of a text, by Unicode's rules for no language in particular.
std::u32string lower_case(std::u32string_view text);
inline bool is_alnum(char32_t c) { return is_letter(c) || is_digit(c); }

// [begin, end) of the words of a run of letters of a script without spaces, by ICU's dictionary.
std::vector<std::pair<size_t, size_t>> dictionary_words(std::u32string_view run);

}  // namespace unlearn::metrics::own_data
