// A question put in an attack's way, as token ids.
#pragma once

#include <string>
#include <vector>

#include "unlearn/attacks/attack.h"

namespace unlearn::attacks {

struct ComposedPrompt {
  std::vector<int32_t> prompt;  // to generate from: with the opening and the given answer tokens
  data::Example scored;         // the prompt with the rest of the answer; labels are that rest
  std::string rest;             // of the answer: what a generation is compared with
};

// None where nothing of the answer is left to say.
std::optional<ComposedPrompt> compose(const tokenizer::Tokenizer& tokenizer,
                                      const eval::Questions& questions, size_t row,
                                      const RowPrompt& asked);

}  // namespace unlearn::attacks
