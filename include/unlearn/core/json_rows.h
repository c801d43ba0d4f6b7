// JSON rows of a text that is in memory already.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "unlearn/core/json.h"

namespace unlearn {

// for_each_json_row (json.h) of the file's text; `path` is named in errors.
void for_each_json_row_of(std::string_view text, const std::filesystem::path& path,
                          const std::function<void(int64_t row, const Json& value)>& visit);

}  // namespace unlearn
