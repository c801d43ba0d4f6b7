#pragma once

#include <string>

namespace unlearn::tokenizer {

// The clean-up inside the WordPiece decoder of Hugging Face `tokenizers`.
std::string clean_word_piece(std::string text);

}  // namespace unlearn::tokenizer
