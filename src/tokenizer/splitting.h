// How a text is cut around matches (SplitDelimiterBehavior of Hugging Face `tokenizers`).
#pragma once

#include <string>
#include <vector>

#include "tokenizer/json_fields.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/regex.h"

namespace unlearn::tokenizer {

enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

Behavior parse_behavior(const std::string& name, const std::string& where);

// Appends the non-empty parts of `piece`. invert: the text between the matches is the delimiter.
void split_piece(const Piece& piece, const std::vector<Span>& matches, Behavior behavior,
                 bool invert, std::vector<Piece>& out);

// "always", "first" or "never" from prepend_scheme or the older add_prefix_space.
std::string metaspace_scheme(const Fields& fields);

}  // namespace unlearn::tokenizer
