#include "tokenizer/decoder.h"

#include <map>
#include <memory>

#include "tokenizer/bytes.h"
#include "tokenizer/clean_up.h"
#include "tokenizer/growth.h"
#include "tokenizer/json_fields.h"
#include "tokenizer/pattern.h"
#include "tokenizer/splitting.h"
#include "tokenizer/unicode.h"
#include "unlearn/core/error.h"

namespace unlearn::tokenizer {
namespace {

using Tokens = std::vector<std::string>;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte of "<0xE5>", or -1.
int fallback_byte(const std::string& token) {
  if (token.size() != 6 || token.compare(0, 3, "<0x") != 0 || token[5] != '>') return -1;
  const int high = hex_digit(token[3]);
  const int low = hex_digit(token[4]);
  // Rust's number parser takes a sign: "<0x+5>" is byte 5.
  if (token[3] == '+') return low;
  return high < 0 || low < 0 ? -1 : 16 * high + low;
}

void byte_fallback(Tokens& tokens) {
  Tokens out;
  std::string bytes;
  const auto flush = [&] {
    if (bytes.empty()) return;
    if (is_valid_utf8(bytes)) {
      out.push_back(bytes);
    } else {
      out.insert(out.end(), bytes.size(), "\xEF\xBF\xBD");
    }
    bytes.clear();
  };
  for (std::string& token : tokens) {
    const int byte = fallback_byte(token);
    if (byte >= 0) {
      bytes.push_back(static_cast<char>(byte));
    } else {
      flush();
      out.push_back(std::move(token));
    }
  }
  flush();
  tokens = std::move(out);
}

void byte_level(Tokens& tokens) {
  std::string bytes;
  for (const std::string& token : tokens) append_spelled_bytes(bytes, token);
  tokens = {utf8_lossy(bytes)};
}

void fuse(Tokens& tokens) { tokens = {join(tokens, "")}; }

Decoder replace(const Fields& fields) {
  fields.only({"type", "pattern", "content"});
  auto pattern = std::make_shared<Pattern>(make_pattern(fields));
  return [pattern, content = fields.text("content"), where = fields.where](Tokens& tokens) {
    for (std::string& token : tokens) token = pattern->replace_all(token, content, where);
  };
}

Decoder strip(const Fields& fields) {
  fields.only({"type", "content", "start", "stop"});
  const std::string mark = fields.text("content");
  if (mark.empty()) user_error(fields.where, ": 'content' must be one character");
  return [mark, start = fields.whole("start"), stop = fields.whole("stop")](Tokens& tokens) {
    for (std::string& token : tokens) {
      size_t begin = 0;
      for (int i = 0; i < start && token.compare(begin, mark.size(), mark) == 0; ++i) {
        begin += mark.size();
      }
      size_t end = token.size();
      for (int i = 0; i < stop && end >= begin + mark.size() &&
                      token.compare(end - mark.size(), mark.size(), mark) == 0;
           ++i) {
        end -= mark.size();
      }
      token = token.substr(begin, end - begin);
    }
  };
}

Decoder metaspace(const Fields& fields) {
  fields.only({"type", "replacement", "add_prefix_space", "prepend_scheme", "split", "str_rep"});
  const bool prefixed = metaspace_scheme(fields) != "never";
  auto shared = std::make_shared<Pattern>(fields.text("replacement"));
  return [shared, prefixed, where = fields.where](Tokens& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      tokens[i] = shared->replace_all(tokens[i], i == 0 && prefixed ? "" : " ", where);
    }
  };
}

Decoder bpe(const Fields& fields) {
  fields.only({"type", "suffix"});
  const std::string suffix = fields.text("suffix");
  if (suffix.empty()) user_error(fields.where, ": 'suffix' must not be empty");
  auto pattern = std::make_shared<Pattern>(suffix);
  return [pattern, where = fields.where](Tokens& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      tokens[i] = pattern->replace_all(tokens[i], i + 1 == tokens.size() ? "" : " ", where);
    }
  };
}

Decoder word_piece(const Fields& fields) {
  fields.only({"type", "prefix", "cleanup"});
  return [prefix = fields.text("prefix"), clean = fields.flag("cleanup")](Tokens& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      std::string& token = tokens[i];
      if (i > 0 && token.compare(0, prefix.size(), prefix) == 0) {
        token.erase(0, prefix.size());
      } else if (i > 0) {
        token.insert(0, " ");
      }
      if (clean) token = clean_word_piece(std::move(token));
    }
  };
}

size_t total_size(const Tokens& tokens) {
  size_t bytes = 0;
  for (const std::string& token : tokens) bytes += token.size();
  return bytes;
}

Decoder sequence(const Fields& fields) {
  fields.only({"type", "decoders"});
  std::vector<Decoder> parts;
  for (const Json& part : fields.list("decoders")) {
    if (Decoder made = make_decoder(part, fields.where)) parts.push_back(std::move(made));
  }
  return [parts, where = fields.where](Tokens& tokens) {
    const size_t given = total_size(tokens);
    for (const Decoder& part : parts) {
      part(tokens);
      check_growth(total_size(tokens), given, where);
    }
  };
}

}  // namespace

Decoder make_decoder(const Json& json, const std::string& where) {
  if (json.is_null()) return {};
  const std::string type = Fields(json, cat(where, ": decoder")).type();
  const Fields fields(json, cat(where, ": decoder ", type));
  if (type == "ByteLevel") {
    fields.only({"type", "add_prefix_space", "trim_offsets", "use_regex"});
    return byte_level;
  }
  if (type == "ByteFallback" || type == "Fuse") {
    fields.only({"type"});
    return type == "Fuse" ? fuse : byte_fallback;
  }
  static const std::map<std::string, Decoder (*)(const Fields&)> kMakers = {
      {"Replace", replace}, {"Strip", strip},          {"Metaspace", metaspace},
      {"BPEDecoder", bpe},  {"WordPiece", word_piece}, {"Sequence", sequence},
  };
  if (const auto maker = kMakers.find(type); maker != kMakers.end()) return maker->second(fields);
  user_error(where, ": decoder '", type, "' is not supported (known: ByteLevel, ByteFallback, ",
             "Fuse, Replace, Strip, Metaspace, BPEDecoder, WordPiece, Sequence)");
}

}  // namespace unlearn::tokenizer
