#include "tokenizer/normalizer.h"

#include <map>
#include <memory>
#include <vector>

#include "tokenizer/bytes.h"
#include "tokenizer/growth.h"
#include "tokenizer/json_fields.h"
#include "tokenizer/pattern.h"
#include "tokenizer/unicode.h"
#include "unlearn/core/error.h"
#include "unlearn/tokenizer/lower_case.h"

namespace unlearn::tokenizer {
namespace {

Normalizer form(NormalForm which) {
  return [which](std::string text) { return normalize(text, which); };
}

Normalizer sequence(const Fields& fields) {
  fields.only({"type", "normalizers"});
  std::vector<Normalizer> parts;
  for (const Json& part : fields.list("normalizers")) {
    if (Normalizer made = make_normalizer(part, fields.where)) parts.push_back(std::move(made));
  }
  return [parts, where = fields.where](std::string text) {
    const size_t given = text.size();
    for (const Normalizer& part : parts) {
      text = part(std::move(text));
      check_growth(text.size(), given, where);
    }
    return text;
  };
}

Normalizer prepend(const Fields& fields) {
  fields.only({"type", "prepend"});
  return [prefix = fields.text("prepend")](std::string text) {
    return text.empty() ? text : prefix + text;
  };
}

Normalizer replace(const Fields& fields) {
  fields.only({"type", "pattern", "content"});
  auto pattern = std::make_shared<Pattern>(make_pattern(fields));
  return [pattern, content = fields.text("content"), where = fields.where](std::string text) {
    return pattern->replace_all(text, content, where);
  };
}

Normalizer strip(const Fields& fields) {
  fields.only({"type", "strip_left", "strip_right"});
  const bool left = fields.flag("strip_left");
  const bool right = fields.flag("strip_right");
  return [left, right](std::string text) {
    if (right) text.resize(text.size() - trailing_whitespace(text));
    if (left) text.erase(0, leading_whitespace(text));
    return text;
  };
}

std::string lowercase(std::string text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) append_lowercase(out, next_code_point(text, i));
  return out;
}

std::string strip_accents(std::string text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const char32_t c = next_code_point(text, i);
    if (!is_combining_mark(c)) append_utf8(out, c);
  }
  return out;
}

std::string byte_level(std::string text) {
  std::string out;
  append_byte_level(out, text);
  return out;
}

}  // namespace

Normalizer make_normalizer(const Json& json, const std::string& where) {
  if (json.is_null()) return {};
  const std::string type = Fields(json, cat(where, ": normalizer")).type();
  const Fields fields(json, cat(where, ": normalizer ", type));
  static const std::map<std::string, Normalizer> kPlain = {
      {"NFC", form(NormalForm::kNfc)},   {"NFD", form(NormalForm::kNfd)},
      {"NFKC", form(NormalForm::kNfkc)}, {"NFKD", form(NormalForm::kNfkd)},
      {"Lowercase", lowercase},          {"StripAccents", strip_accents},
      {"ByteLevel", byte_level},
  };
  if (const auto found = kPlain.find(type); found != kPlain.end()) {
    fields.only({"type"});
    return found->second;
  }
  if (type == "Sequence") return sequence(fields);
  if (type == "Prepend") return prepend(fields);
  if (type == "Replace") return replace(fields);
  if (type == "Strip") return strip(fields);
  user_error(where, ": normalizer '", type, "' is not supported (known: NFC, NFD, NFKC, NFKD, ",
             "Lowercase, StripAccents, ByteLevel, Prepend, Replace, Strip, Sequence)");
}

std::string lower_case(std::string text) { return lowercase(std::move(text)); }

std::string capitalized(const std::string& text) {
  if (text.empty()) return text;
  size_t rest = 0;
  const char32_t first = next_code_point(text, rest);
  std::string result;
  append_titlecase(result, first);
  return result + lower_case(text.substr(rest));
}

}  // namespace unlearn::tokenizer
