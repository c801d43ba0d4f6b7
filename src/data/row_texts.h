// The texts of a split's rows, to find those that say the same but for case and white space.
#pragma once

#include <string>
#include <vector>

#include "unlearn/data/splits.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::data {

// Lower case, with one space for each run of white space and none at the ends.
std::string normalised(std::string text);

// An example's text as it is trained on, normalised; its ids where the tokenizer does not know one
// of them.
std::string text_of(const Example& example, const tokenizer::Tokenizer& tok);

// A hash of each example's text. Parallel.
std::vector<size_t> text_hashes(const std::vector<Example>& examples,
                                const tokenizer::Tokenizer& tok);

// The first example of each unit: a row, or a chunk where the whole file is one text.
std::vector<size_t> unit_begins(const Split& split);

// For each unit the first one of the same text: itself where none stands before it.
std::vector<size_t> first_of_same_text(const Split& split, const tokenizer::Tokenizer& tok);

}  // namespace unlearn::data
