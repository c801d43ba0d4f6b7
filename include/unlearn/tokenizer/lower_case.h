// Upper and lower case of whole texts.
#pragma once

#include <string>

namespace unlearn::tokenizer {

// Every character of a UTF-8 text in lower case, as Python's str.lower() has it (but a capital
// sigma at a word's end becomes σ, not ς).
std::string lower_case(std::string text);
// The first character in title case, all others in lower case, as Python's str.capitalize() (but
// the few first characters that become two, such as ß, stay as they are).
std::string capitalized(const std::string& text);

}  // namespace unlearn::tokenizer
