// Between read_file() and ReadLog.
#pragma once

#include <filesystem>
#include <string>

namespace unlearn {

void note_read(const std::filesystem::path& path, const std::string& content);

}  // namespace unlearn
