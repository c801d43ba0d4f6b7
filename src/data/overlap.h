// Whether what is to be forgotten is also to be kept, or stands more than once.
#pragma once

#include "unlearn/data/dataset.h"

namespace unlearn::data {

// UserError (a warning with data.allow_overlap) when a forget example is a retain example too, as
// both are trained on: the same tokens, or the same text but for case and white space. Of people's
// own texts, also when both have a line of some length in common. Linear in the size of the data.
void check_overlap(const DataConfig& config, const Split& forget, const Split& retain,
                   const tokenizer::Tokenizer& tok);

// Warns of forget examples that are the same but for case and white space.
void warn_of_repeats(const Split& forget, const tokenizer::Tokenizer& tok);

}  // namespace unlearn::data
