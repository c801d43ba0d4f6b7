// Text as Python sees it, where a reference code's own string methods decide what a model reads.
#pragma once

#include <string_view>

namespace unlearn {

// str.strip(): without the white space at both ends. It is Unicode's, and the separators U+001C to
// U+001F; `text` is valid UTF-8.
std::string_view python_strip(std::string_view text);
// str.rstrip(): the same at the end alone.
std::string_view python_rstrip(std::string_view text);

}  // namespace unlearn
