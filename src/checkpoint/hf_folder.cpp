#include "unlearn/checkpoint/hf_folder.h"

#include <array>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn::checkpoint {
namespace fs = std::filesystem;
namespace {

constexpr std::array kCompanionFiles{"generation_config.json",
                                     "tokenizer.json",
                                     "tokenizer.model",
                                     "tokenizer_config.json",
                                     "special_tokens_map.json",
                                     "added_tokens.json",
                                     "vocab.json",
                                     "merges.txt",
                                     "vocab.txt",
                                     "chat_template.jinja",
                                     "chat_template.json"};

}  // namespace

void check_stays(const fs::path& folder, const std::string& name) {
  std::error_code error;
  const fs::path file = fs::canonical(folder / name, error);
  const fs::path own = fs::canonical(folder, error);
  // models--OWNER--NAME/snapshots/COMMIT/NAME -> ../../blobs/HASH
  const bool is_cache = own.parent_path().filename() == "snapshots";
  const fs::path blobs = own.parent_path().parent_path() / "blobs";
  if (error || lies_in(file, own) || (is_cache && lies_in(file, blobs))) return;
  user_error((folder / name).string(), ": is a link out of the model folder, to ", file.string(),
             "; put the file itself there");
}

FileContents read_companion_files(const fs::path& source) {
  FileContents files;
  for (const char* name : kCompanionFiles) {
    std::error_code ignored;
    if (fs::is_regular_file(source / name, ignored)) {
      check_stays(source, name);
      files.emplace_back(name, read_file(source / name));
    }
  }
  return files;
}

WrittenFiles write_files(const fs::path& folder, const FileContents& files) {
  WrittenFiles written;
  for (const auto& [name, content] : files) {
    written.emplace_back(name, write_hashed_file(folder / name, content));
  }
  return written;
}

WrittenFiles copy_companion_files(const fs::path& source, const fs::path& destination) {
  return write_files(destination, read_companion_files(source));
}

}  // namespace unlearn::checkpoint
