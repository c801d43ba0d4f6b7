// Lower case of a whole text.
#pragma once

#include <string>

namespace unlearn::tokenizer {

// Every character of a UTF-8 text in lower case, as Python's str.lower() has it (but a capital
// sigma at a word's end becomes σ, not ς).
std::string lower_case(std::string text);

}  // namespace unlearn::tokenizer
