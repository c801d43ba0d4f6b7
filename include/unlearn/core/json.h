// JSON for files we read and write: nlohmann's ordered form, so that what was read keeps its order.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace unlearn {

using Json = nlohmann::ordered_json;

// Parses one JSON text. `where` names the source in the UserError of a malformed text.
Json parse_json(std::string_view text, const std::string& where);

// Reads and parses a whole JSON file.
Json read_json(const std::filesystem::path& path);

// Calls `visit(row, value)` for every non-empty line of a JSON-lines file (or for every element
// when the file is one JSON array). `row` is 0-based. UserError "<file>: row <n>: …" on malformed
// input; a UserError thrown by `visit` gets the same prefix.
void for_each_json_row(const std::filesystem::path& path,
                       const std::function<void(int64_t row, const Json& value)>& visit);

}  // namespace unlearn
