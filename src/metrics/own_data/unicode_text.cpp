#include "metrics/own_data/unicode_text.h"

#include <unicode/brkiter.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include <memory>

#include "unlearn/core/error.h"

namespace unlearn::metrics::own_data {
namespace {

icu::UnicodeString icu_text(std::u32string_view text) {
  return icu::UnicodeString::fromUTF32(reinterpret_cast<const UChar32*>(text.data()),
                                       static_cast<int32_t>(text.size()));
}

std::u32string from_icu(const icu::UnicodeString& text) {
  std::u32string result;
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    result += static_cast<char32_t>(text.char32At(i));
  }
  return result;
}

}  // namespace

std::u32string compatible_form(std::string_view utf8) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfkc = icu::Normalizer2::getNFKCInstance(status);
  UNLEARN_CHECK(U_SUCCESS(status), "ICU normalizer: ", u_errorName(status));
  const auto text = icu::UnicodeString::fromUTF8({utf8.data(), static_cast<int32_t>(utf8.size())});
  const icu::UnicodeString normal = nfkc->normalize(text, status);
  UNLEARN_CHECK(U_SUCCESS(status), "ICU normalisation: ", u_errorName(status));
  return from_icu(normal);
}

std::string readable(std::string_view bytes) {
  std::string result;
  icu::UnicodeString::fromUTF8({bytes.data(), static_cast<int32_t>(bytes.size())})
      .toUTF8String(result);
  return result;
}

std::string to_utf8(std::u32string_view text) {
  std::string result;
  icu_text(text).toUTF8String(result);
  return result;
}

std::string fold_key(std::u32string_view text) {
  std::u32string kept;
  for (const char32_t c : from_icu(icu_text(text).foldCase())) {
    if (is_alnum(c)) kept += c;
  }
  return to_utf8(kept);
}

std::u32string lower_case(std::u32string_view text) {
  return from_icu(icu_text(text).toLower(icu::Locale::getRoot()));
}

bool is_letter(char32_t c) {
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & (U_GC_L_MASK | U_GC_M_MASK)) != 0;
}

bool is_digit(char32_t c) { return (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_N_MASK) != 0; }

bool is_capital(char32_t c) {
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & (U_GC_LU_MASK | U_GC_LT_MASK)) != 0;
}

bool is_unspaced(char32_t c) {
  const auto point = static_cast<UChar32>(c);
  if (c < 0x0E00) return false;
  if (u_hasBinaryProperty(point, UCHAR_IDEOGRAPHIC)) return true;
  if (u_getIntPropertyValue(point, UCHAR_LINE_BREAK) == U_LB_COMPLEX_CONTEXT) return true;
  UErrorCode status = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(point, &status);
  return script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA || c == 0x30FC;
}

std::vector<std::pair<size_t, size_t>> dictionary_words(std::u32string_view run) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<icu::BreakIterator> words(
      icu::BreakIterator::createWordInstance(icu::Locale::getRoot(), status));
  UNLEARN_CHECK(U_SUCCESS(status), "ICU word breaks: ", u_errorName(status));
  const icu::UnicodeString text = icu_text(run);
  words->setText(text);
  std::vector<std::pair<size_t, size_t>> ranges;
  size_t begin = 0;
  int32_t from = words->first();
  for (int32_t to = words->next(); to != icu::BreakIterator::DONE; to = words->next()) {
    const size_t end = begin + static_cast<size_t>(text.countChar32(from, to - from));
    ranges.emplace_back(begin, end);
    begin = end;
    from = to;
  }
  return ranges;
}

}  // namespace unlearn::metrics::own_data
