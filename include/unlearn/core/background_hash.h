// Hashing without waiting for it, or on all cores.
#pragma once

#include <cstdint>
#include <filesystem>
#include <future>
#include <string>

namespace unlearn {

// SHA-256 of a file that is opened here and read on another thread: it is hashed also when its name
// is gone by then. UserError when it cannot be opened, or (from the future) read.
std::future<std::string> sha256_in_background(const std::filesystem::path& path);

// A name for a large file's content that all cores make at once, where SHA-256 itself goes from its
// first byte to its last on one: the SHA-256 of its size and of the SHA-256 of its pieces.
// UserError when it cannot be read.
constexpr uint64_t kHashPiece = uint64_t{64} << 20;
std::string sha256_of_pieces(const std::filesystem::path& path, uint64_t piece_bytes = kHashPiece);

}  // namespace unlearn
