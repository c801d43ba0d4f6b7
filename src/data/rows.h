// Checked access to the fields of data rows; the caller adds file and row number to errors.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "unlearn/core/json.h"

namespace unlearn::data {

// A non-empty, valid UTF-8 text field; UserError names the key.
std::string text_field(const Json& row, const std::string& key);

// The non-empty lines of a plain-text file. UserError for an empty file or invalid UTF-8.
std::vector<std::string> read_lines(const std::filesystem::path& file);

// Splits named in a config -> files. `what` names the config key in errors.
std::filesystem::path split_file(const std::string& benchmark, const std::string& root,
                                 const std::string& split, const std::string& what);

// TOFU's rule: forget05 -> retain95; UserError when `forget` is no such name.
std::string complement_split(const std::string& forget);

}  // namespace unlearn::data
