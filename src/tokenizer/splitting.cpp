#include "tokenizer/splitting.h"

#include <algorithm>

#include "unlearn/core/error.h"

namespace unlearn::tokenizer {
namespace {

struct Part {
  Span span;
  bool match;
};

// Matches and the gaps between them, in order, over the whole text.
std::vector<Part> cover(std::string_view text, const std::vector<Span>& matches, bool invert) {
  std::vector<Part> parts;
  parts.reserve(2 * matches.size() + 1);
  size_t begin = 0;
  for (const Span& match : matches) {
    if (begin != match.begin) parts.push_back({{begin, match.begin}, invert});
    parts.push_back({match, !invert});
    begin = match.end;
  }
  if (begin != text.size()) parts.push_back({{begin, text.size()}, invert});
  return parts;
}

std::vector<Span> merge_forward(const std::vector<Part>& parts, bool contiguous) {
  std::vector<Span> out;
  bool previous = false;
  for (const Part& part : parts) {
    const bool joins = contiguous ? part.match == previous : part.match && !previous;
    if (joins && !out.empty()) {
      out.back().end = part.span.end;
    } else {
      out.push_back(part.span);
    }
    previous = part.match;
  }
  return out;
}

std::vector<Span> merge_backward(const std::vector<Part>& parts) {
  std::vector<Span> out;
  bool previous = false;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (part->match && !previous && !out.empty()) {
      out.back().begin = part->span.begin;
    } else {
      out.push_back(part->span);
    }
    previous = part->match;
  }
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace

Behavior parse_behavior(const std::string& name, const std::string& where) {
  if (name == "Removed") return Behavior::kRemoved;
  if (name == "Isolated") return Behavior::kIsolated;
  if (name == "MergedWithPrevious") return Behavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return Behavior::kMergedWithNext;
  if (name == "Contiguous") return Behavior::kContiguous;
  user_error(where, ": unknown behavior '", name,
             "' (Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous)");
}

void split_piece(const Piece& piece, const std::vector<Span>& matches, Behavior behavior,
                 bool invert, std::vector<Piece>& out) {
  const auto add = [&](const Span& span) {
    if (span.begin == span.end) return;
    out.push_back(
        {piece.text.substr(span.begin, span.end - span.begin), piece.first && span.begin == 0});
  };
  if (behavior == Behavior::kIsolated) {  // the common case, without a list of parts
    size_t begin = 0;
    for (const Span& match : matches) {
      add({begin, match.begin});
      add(match);
      begin = match.end;
    }
    add({begin, piece.text.size()});
    return;
  }
  const std::vector<Part> parts = cover(piece.text, matches, invert);
  if (behavior == Behavior::kRemoved) {
    for (const Part& part : parts) {
      if (!part.match) add(part.span);
    }
    return;
  }
  const std::vector<Span> spans = behavior == Behavior::kMergedWithNext
                                      ? merge_backward(parts)
                                      : merge_forward(parts, behavior == Behavior::kContiguous);
  for (const Span& span : spans) add(span);
}

std::string metaspace_scheme(const Fields& fields) {
  const bool prefix = fields.flag_or("add_prefix_space", true);
  const std::string scheme = fields.text_or("prepend_scheme", prefix ? "always" : "never");
  if (scheme != "always" && scheme != "first" && scheme != "never") {
    user_error(fields.where, ": unknown prepend_scheme '", scheme, "' (always, first or never)");
  }
  if (!prefix && scheme != "never") {
    user_error(fields.where, ": add_prefix_space is false but prepend_scheme is '", scheme, "'");
  }
  const std::string mark = fields.text("replacement");
  size_t characters = 0;
  for (const char c : mark) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  if (characters != 1) user_error(fields.where, ": 'replacement' must be one character");
  return scheme;
}

}  // namespace unlearn::tokenizer
