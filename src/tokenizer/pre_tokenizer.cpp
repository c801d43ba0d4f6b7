#include "tokenizer/pre_tokenizer.h"

#include <map>
#include <memory>

#include "tokenizer/bytes.h"
#include "tokenizer/json_fields.h"
#include "tokenizer/pattern.h"
#include "tokenizer/splitting.h"
#include "tokenizer/unicode.h"
#include "unlearn/core/error.h"

namespace unlearn::tokenizer {
namespace {

// GPT-2's pattern (encoder.py), as the ByteLevel pre-tokenizer has it built in.
constexpr const char* kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

using Finder = std::function<std::vector<Span>(std::string_view)>;

PreTokenizer splitter(Finder find, Behavior behavior, bool invert = false) {
  return [find = std::move(find), behavior, invert](std::vector<Piece>& pieces, Arena&) {
    std::vector<Piece> out;
    for (const Piece& piece : pieces) {
      split_piece(piece, find(piece.text), behavior, invert, out);
    }
    pieces = std::move(out);
  };
}

PreTokenizer per_character(bool (*matches)(char32_t), Behavior behavior) {
  const auto find = [matches](std::string_view text) {
    std::vector<Span> found;
    for (size_t i = 0; i < text.size();) {
      const size_t begin = i;
      if (matches(next_code_point(text, i))) found.push_back({begin, i});
    }
    return found;
  };
  return splitter(find, behavior);
}

PreTokenizer by_pattern(std::shared_ptr<Pattern> pattern, Behavior behavior, bool invert) {
  return splitter([pattern](std::string_view text) { return pattern->find_all(text); }, behavior,
                  invert);
}

PreTokenizer chain(std::vector<PreTokenizer> parts) {
  return [parts = std::move(parts)](std::vector<Piece>& pieces, Arena& arena) {
    for (const PreTokenizer& part : parts) part(pieces, arena);
  };
}

void add_prefix(std::vector<Piece>& pieces, Arena& arena) {
  for (Piece& piece : pieces) {
    if (piece.text.empty() || piece.text.front() == ' ') continue;
    piece.text = arena.emplace_back(cat(" ", piece.text));
  }
}

void spell_bytes(std::vector<Piece>& pieces, Arena& arena) {
  size_t total = 0;
  for (const Piece& piece : pieces) total += piece.text.size();
  std::string& spelled = arena.emplace_back();
  spelled.reserve(2 * total);  // no byte takes more than two: the views below stay valid
  for (Piece& piece : pieces) {
    const size_t begin = spelled.size();
    append_byte_level(spelled, piece.text);
    piece.text = std::string_view(spelled).substr(begin);
  }
}

PreTokenizer byte_level(const Fields& fields) {
  fields.only({"type", "add_prefix_space", "trim_offsets", "use_regex"});
  std::vector<PreTokenizer> parts;
  if (fields.flag("add_prefix_space")) parts.emplace_back(add_prefix);
  if (fields.flag_or("use_regex", true)) {
    auto pattern = std::make_shared<Pattern>(Regex(kGpt2Pattern, fields.where));
    parts.push_back(by_pattern(pattern, Behavior::kIsolated, false));
  }
  parts.emplace_back(spell_bytes);
  return chain(std::move(parts));
}

PreTokenizer metaspace(const Fields& fields) {
  fields.only({"type", "replacement", "add_prefix_space", "prepend_scheme", "split", "str_rep"});
  const std::string scheme = metaspace_scheme(fields);
  const bool split = fields.flag_or("split", true);
  const std::string mark = fields.text("replacement");
  const Finder find = [pattern = std::make_shared<Pattern>(mark)](std::string_view text) {
    return pattern->find_all(text);
  };
  const auto rewrite = [scheme, mark](std::vector<Piece>& pieces, Arena& arena) {
    for (Piece& piece : pieces) {
      if (piece.text.empty()) continue;
      std::string text;
      text.reserve(piece.text.size() + mark.size());
      for (const char c : piece.text) c == ' ' ? void(text += mark) : text.push_back(c);
      const bool wanted = scheme == "always" || (scheme == "first" && piece.first);
      if (wanted && text.compare(0, mark.size(), mark) != 0) text.insert(0, mark);
      piece.text = arena.emplace_back(std::move(text));
    }
  };
  if (!split) return rewrite;
  return chain({rewrite, splitter(find, Behavior::kMergedWithNext)});
}

PreTokenizer split(const Fields& fields) {
  fields.only({"type", "pattern", "behavior", "invert"});
  return by_pattern(std::make_shared<Pattern>(make_pattern(fields)),
                    parse_behavior(fields.text("behavior"), fields.where), fields.flag("invert"));
}

PreTokenizer digits(const Fields& fields) {
  fields.only({"type", "individual_digits"});
  return per_character(
      is_numeric, fields.flag("individual_digits") ? Behavior::kIsolated : Behavior::kContiguous);
}

PreTokenizer whitespace(const Fields& fields) {
  fields.only({"type"});
  // \w+|[^\w\s]+ of Rust's regex, whose \w has the joiners and not Oniguruma's extras.
  const std::string word = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D})";
  auto words =
      std::make_shared<Pattern>(Regex(cat("[", word, "]+|[^", word, "\\s]+"), fields.where));
  return by_pattern(words, Behavior::kRemoved, true);
}

PreTokenizer whitespace_split(const Fields& fields) {
  fields.only({"type"});
  return per_character(is_whitespace, Behavior::kRemoved);
}

PreTokenizer punctuation(const Fields& fields) {
  fields.only({"type", "behavior"});
  return per_character(is_punctuation,
                       parse_behavior(fields.text_or("behavior", "Isolated"), fields.where));
}

PreTokenizer bert(const Fields& fields) {
  fields.only({"type"});
  return chain({per_character(is_whitespace, Behavior::kRemoved),
                per_character(is_punctuation, Behavior::kIsolated)});
}

PreTokenizer delimiter(const Fields& fields) {
  fields.only({"type", "delimiter"});
  const std::string mark = fields.text("delimiter");
  if (mark.empty()) user_error(fields.where, ": 'delimiter' must be one character");
  return by_pattern(std::make_shared<Pattern>(mark), Behavior::kRemoved, false);
}

PreTokenizer sequence(const Fields& fields) {
  fields.only({"type", "pretokenizers"});
  std::vector<PreTokenizer> parts;
  for (const Json& part : fields.list("pretokenizers")) {
    if (PreTokenizer made = make_pre_tokenizer(part, fields.where)) parts.push_back(made);
  }
  return chain(std::move(parts));
}

}  // namespace

PreTokenizer make_pre_tokenizer(const Json& json, const std::string& where) {
  if (json.is_null()) return {};
  static const std::map<std::string, PreTokenizer (*)(const Fields&)> kMakers = {
      {"ByteLevel", byte_level},
      {"Metaspace", metaspace},
      {"Split", split},
      {"Digits", digits},
      {"Whitespace", whitespace},
      {"WhitespaceSplit", whitespace_split},
      {"Punctuation", punctuation},
      {"BertPreTokenizer", bert},
      {"Sequence", sequence},
      {"CharDelimiterSplit", delimiter},
  };
  const std::string type = Fields(json, cat(where, ": pre_tokenizer")).type();
  const auto maker = kMakers.find(type);
  if (maker == kMakers.end()) {
    std::vector<std::string> known;
    for (const auto& [name, make] : kMakers) known.push_back(name);
    user_error(where, ": pre_tokenizer '", type, "' is not supported (known: ", join(known, ", "),
               ")");
  }
  return maker->second(Fields(json, cat(where, ": pre_tokenizer ", type)));
}

}  // namespace unlearn::tokenizer
