// Text for people: the help of a command, in lines that fit.
#pragma once

#include <string>

#include "cli/flags.h"

namespace unlearn::cli {

// Columns of the terminal on stdout, at most 100; 80 where there is none.
size_t output_width();

// `text` in lines of at most `width` columns, broken between words; all but the first begin with
// `indent` spaces, and the first one's `first` columns are taken already. No newline at the end.
std::string wrapped(const std::string& text, size_t first, size_t indent, size_t width);

// Usage, example, and the flags below their headings, with defaults.
std::string help_text(const CommandDoc& command, size_t width);

}  // namespace unlearn::cli
