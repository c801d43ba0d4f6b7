// What JSON texts of another shape than rows are, and how to make rows of them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "unlearn/core/json.h"

namespace unlearn {

// Whether a text begins with a line that is a JSON object, or is one JSON object or list of objects
// or texts as a whole.
bool holds_json_rows(std::string_view text);

// "" or what an object is that was refused as the only row of a file: columns, or rows inside of
// it; and the command that makes rows of it.
std::string other_than_a_row(const std::filesystem::path& path, const Json& value);

// The same for a text whose first line begins an object that other lines go on with.
std::string object_over_lines(const std::filesystem::path& path, std::string_view text);

}  // namespace unlearn
