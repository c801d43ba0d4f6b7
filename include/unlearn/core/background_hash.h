// Hashing without waiting for it.
#pragma once

#include <filesystem>
#include <future>
#include <string>

namespace unlearn {

// SHA-256 of a file that is opened here and read on another thread: it is hashed also when its name
// is gone by then. UserError when it cannot be opened, or (from the future) read.
std::future<std::string> sha256_in_background(const std::filesystem::path& path);

}  // namespace unlearn
