#include "metrics/own_data/unicode_text.h"

#include <unicode/brkiter.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <iterator>
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

// Letters that are no base letter with a mark, as they are written where they are missing.
constexpr std::pair<char32_t, const char32_t*> kBareLetters[] = {
    {U'\u0142', U"l"},  {U'\u00F8', U"o"},  {U'\u0111', U"d"},
    {U'\u00E6', U"ae"}, {U'\u0153', U"oe"}, {U'\u0131', U"i"},
    {U'\u00FE', U"th"}, {U'\u00F0', U"d"},  {U'\u0127', U"h"}};
constexpr std::pair<char32_t, const char32_t*> kDigraphs[] = {
    {U'\u00E4', U"ae"}, {U'\u00C4', U"Ae"}, {U'\u00F6', U"oe"}, {U'\u00D6', U"Oe"},
    {U'\u00FC', U"ue"}, {U'\u00DC', U"Ue"}, {U'\u00E5', U"aa"}, {U'\u00C5', U"Aa"},
    {U'\u00F8', U"oe"}, {U'\u00D8', U"Oe"}};

bool has_accents(UChar32 c) {
  UErrorCode status = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(c, &status);
  return script == USCRIPT_LATIN || script == USCRIPT_GREEK || script == USCRIPT_CYRILLIC;
}

// A case-folded text as it is typed without accents. Marks of other scripts are letters of theirs.
std::u32string without_accents(const std::u32string& text) {
  if (std::all_of(text.begin(), text.end(), [](char32_t c) { return c < 0x80; })) return text;
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* apart = icu::Normalizer2::getNFDInstance(status);
  const icu::Normalizer2* together = icu::Normalizer2::getNFCInstance(status);
  UNLEARN_CHECK(U_SUCCESS(status), "ICU normalizer: ", u_errorName(status));
  std::u32string kept;
  bool drops = false;
  for (const char32_t c : from_icu(apart->normalize(icu_text(text), status))) {
    const auto point = static_cast<UChar32>(c);
    const bool is_mark = (U_GET_GC_MASK(point) & U_GC_MN_MASK) != 0;
    if (is_mark && drops) continue;
    if (!is_mark) drops = has_accents(point);
    const auto bare = std::find_if(std::begin(kBareLetters), std::end(kBareLetters),
                                   [&](const auto& entry) { return entry.first == c; });
    if (bare == std::end(kBareLetters)) {
      kept += c;
    } else {
      kept += bare->second;
    }
  }
  const icu::UnicodeString whole = together->normalize(icu_text(kept), status);
  UNLEARN_CHECK(U_SUCCESS(status), "ICU normalisation: ", u_errorName(status));
  return from_icu(whole);
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
  for (const char32_t c : without_accents(from_icu(icu_text(text).foldCase()))) {
    if (is_alnum(c)) kept += c;
  }
  return to_utf8(kept);
}

std::u32string with_digraphs(std::u32string_view text) {
  std::u32string result;
  for (const char32_t c : text) {
    const auto found = std::find_if(std::begin(kDigraphs), std::end(kDigraphs),
                                    [&](const auto& entry) { return entry.first == c; });
    if (found == std::end(kDigraphs)) {
      result += c;
    } else {
      result += found->second;
    }
  }
  return result;
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
