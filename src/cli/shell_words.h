// A command line as a shell reads it.
#pragma once

#include <string>
#include <vector>

namespace unlearn::cli {

// Its words: quotes, escaped characters and line ends are read, variables stay as they are.
// UserError for a quote that is not closed.
std::vector<std::string> shell_words(const std::string& text);

// In single quotes, as every shell reads it.
std::string in_quotes(const std::string& text);

// The text as one word: as it is, or in single quotes where a shell would read it otherwise.
std::string shell_quoted(const std::string& text);

}  // namespace unlearn::cli
