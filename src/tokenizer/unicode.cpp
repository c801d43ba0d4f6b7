#include "tokenizer/unicode.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uniset.h>
#include <unicode/utf8.h>

#include "unlearn/core/error.h"

namespace unlearn::tokenizer {
namespace {

// The tables of Hugging Face tokenizers are older than ICU's: its normaliser is of Unicode 9.0, its
// punctuation of Unicode 8.0. What came later is left alone there, and so it is here.
const icu::UnicodeSet& known_to_normalizer() {
  static const icu::UnicodeSet kSet = [] {
    UErrorCode status = U_ZERO_ERROR;
    icu::UnicodeSet set("[:Age=9.0:]", status);
    UNLEARN_CHECK(U_SUCCESS(status), "ICU set: ", u_errorName(status));
    set.freeze();
    return set;
  }();
  return kSet;
}

bool older_than(UChar32 c, uint8_t major) {
  UVersionInfo age;
  u_charAge(c, age);
  return age[0] > 0 && age[0] <= major;
}

const icu::Normalizer2* icu_normalizer(NormalForm form, UErrorCode& status) {
  switch (form) {
    case NormalForm::kNfc:
      return icu::Normalizer2::getNFCInstance(status);
    case NormalForm::kNfd:
      return icu::Normalizer2::getNFDInstance(status);
    case NormalForm::kNfkc:
      return icu::Normalizer2::getNFKCInstance(status);
    case NormalForm::kNfkd:
      return icu::Normalizer2::getNFKDInstance(status);
  }
  return nullptr;
}

icu::FilteredNormalizer2 normalizer(NormalForm form) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* found = icu_normalizer(form, status);
  UNLEARN_CHECK(U_SUCCESS(status) && found != nullptr, "ICU normalizer: ", u_errorName(status));
  return {*found, known_to_normalizer()};
}

bool all_ascii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

}  // namespace

std::string normalize(std::string_view text, NormalForm form) {
  if (all_ascii(text)) return std::string(text);
  std::string out;
  icu::StringByteSink<std::string> sink(&out, static_cast<int32_t>(text.size()));
  UErrorCode status = U_ZERO_ERROR;
  normalizer(form).normalizeUTF8(0, {text.data(), static_cast<int32_t>(text.size())}, sink, nullptr,
                                 status);
  UNLEARN_CHECK(U_SUCCESS(status), "ICU normalisation: ", u_errorName(status));
  return out;
}

char32_t next_code_point(std::string_view text, size_t& position) {
  const auto byte = [&](size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[i]));
  };
  const char32_t lead = byte(position);
  if (lead < 0x80) {
    ++position;
    return lead;
  }
  const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  UNLEARN_CHECK(position + length <= text.size(), "text cut inside a character");
  char32_t c = lead & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) c = (c << 6) | (byte(position + i) & 0x3Fu);
  position += length;
  return c;
}

void append_utf8(std::string& out, char32_t c) {
  const auto push = [&](char32_t value) { out.push_back(static_cast<char>(value)); };
  if (c < 0x80) {
    push(c);
  } else if (c < 0x800) {
    push(0xC0 | (c >> 6));
    push(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    push(0xE0 | (c >> 12));
    push(0x80 | ((c >> 6) & 0x3F));
    push(0x80 | (c & 0x3F));
  } else {
    push(0xF0 | (c >> 18));
    push(0x80 | ((c >> 12) & 0x3F));
    push(0x80 | ((c >> 6) & 0x3F));
    push(0x80 | (c & 0x3F));
  }
}

bool is_whitespace(char32_t c) { return u_isUWhiteSpace(static_cast<UChar32>(c)); }

bool is_numeric(char32_t c) { return (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_N_MASK) != 0; }

bool is_punctuation(char32_t c) {
  const auto point = static_cast<UChar32>(c);
  if (c < 0x80) return c > 0x20 && c < 0x7F && !u_isalnum(point);
  if (c == 0x166D || c == 0x111C9) return true;  // were punctuation in Unicode 8.0
  return (U_GET_GC_MASK(point) & U_GC_P_MASK) != 0 && older_than(point, 8);
}

bool is_combining_mark(char32_t c) {
  const auto point = static_cast<UChar32>(c);
  if (c == 0x1CF2 || c == 0x1CF3) return true;  // were marks in Unicode 9.0
  if (c == 0x111C9) return false;               // became one later
  return (U_GET_GC_MASK(point) & U_GC_M_MASK) != 0 && older_than(point, 9);
}

bool is_word_character(char32_t c) {
  const auto point = static_cast<UChar32>(c);
  return u_isUAlphabetic(point) || u_hasBinaryProperty(point, UCHAR_JOIN_CONTROL) ||
         (U_GET_GC_MASK(point) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0;
}

void append_lowercase(std::string& out, char32_t c) {
  if (c == 0x130) {  // the only character whose lower case is two characters
    out += "i\xCC\x87";
    return;
  }
  append_utf8(out, static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))));
}

void append_titlecase(std::string& out, char32_t c) {
  append_utf8(out, static_cast<char32_t>(u_totitle(static_cast<UChar32>(c))));
}

size_t leading_whitespace(std::string_view text) {
  size_t position = 0;
  while (position < text.size()) {
    size_t next = position;
    if (!is_whitespace(next_code_point(text, next))) break;
    position = next;
  }
  return position;
}

namespace {

size_t last_start(std::string_view text) {
  size_t start = text.size() - 1;
  while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
  return start;
}

}  // namespace

char32_t last_code_point(std::string_view text) {
  size_t start = last_start(text);
  return next_code_point(text, start);
}

size_t trailing_whitespace(std::string_view text) {
  size_t end = text.size();
  while (end > 0) {
    const size_t start = last_start(text.substr(0, end));
    size_t position = start;
    if (!is_whitespace(next_code_point(text, position))) break;
    end = start;
  }
  return text.size() - end;
}

std::string utf8_lossy(std::string_view bytes) {
  if (is_valid_utf8(bytes)) return std::string(bytes);
  std::string out;
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  const auto size = static_cast<int64_t>(bytes.size());
  int64_t i = 0;
  while (i < size) {
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(data, i, size, c);
    append_utf8(out, static_cast<char32_t>(c));
  }
  return out;
}

}  // namespace unlearn::tokenizer
