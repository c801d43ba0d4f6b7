// Files compressed with gzip.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace unlearn::data {

bool is_gzip(std::string_view bytes);

// What the members of a gzip file hold, one after the other. UserError for a damaged or cut file,
// and for one that unpacks to more than `limit` bytes.
std::string gunzip(std::string_view bytes, const std::filesystem::path& path,
                   size_t limit = size_t{1} << 31);

}  // namespace unlearn::data
