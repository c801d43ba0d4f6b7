#include "unlearn/checkpoint/hf_folder.h"

#include <unistd.h>

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

fs::path sibling(const fs::path& path, const char* suffix) {
  return path.parent_path() / cat(".", path.filename().string(), suffix, ::getpid());
}

// "out/model/" and "out/model" name the same folder, but the first has an empty file name.
fs::path without_trailing_slash(const fs::path& path) {
  const fs::path normal = fs::absolute(path).lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

}  // namespace

std::vector<int32_t> generation_ends(const fs::path& folder) {
  for (const char* name : {"generation_config.json", "config.json"}) {
    const fs::path file = folder / name;
    if (!fs::exists(file)) continue;
    const Json content = read_json(file);
    if (!content.is_object()) user_error(file.string(), ": must be an object");
    const Json value = content.value("eos_token_id", Json());
    if (value.is_null()) continue;
    std::vector<int32_t> ends;
    for (const Json& id : value.is_array() ? value : Json::array({value})) {
      if (!id.is_number_integer() || id < 0 || id > INT32_MAX) {
        user_error(file.string(), ": eos_token_id: ", id.dump(), " is no token id");
      }
      ends.push_back(id.get<int32_t>());
    }
    return ends;
  }
  return {};
}

void copy_companion_files(const fs::path& source, const fs::path& destination) {
  for (const char* name : kCompanionFiles) {
    std::error_code ignored;
    if (fs::is_regular_file(source / name, ignored)) {
      write_file_atomic(destination / name, read_file(source / name));
    }
  }
}

FolderWriter::FolderWriter(const fs::path& destination, ExistingFolder existing)
    : destination_(without_trailing_slash(destination)),
      temporary_(sibling(destination_, ".tmp.")) {
  std::error_code error;
  if (fs::exists(destination_, error)) {
    const bool is_folder = fs::is_directory(destination_, error);
    if (!is_folder) user_error(destination.string(), ": is a file; a new folder is needed here");
    if (!fs::is_empty(destination_, error) && existing == ExistingFolder::kRefuse) {
      user_error(destination.string(), ": exists already and is not empty; give a new folder");
    }
  }
  fs::create_directories(destination_.parent_path(), error);
  fs::remove_all(temporary_, error);
  if (!fs::create_directory(temporary_, error)) {
    user_error(temporary_.string(), ": cannot create the folder: ", error.message());
  }
}

FolderWriter::~FolderWriter() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

void FolderWriter::commit() {
  sync_directory(temporary_);
  std::error_code error;
  const fs::path old = sibling(destination_, ".old.");
  // rename(2) replaces an empty folder but not a full one, which therefore steps aside first.
  const bool replaces = fs::exists(destination_, error) && !fs::is_empty(destination_, error);
  if (replaces) fs::rename(destination_, old, error);
  if (!error) fs::rename(temporary_, destination_, error);
  if (error) {
    std::error_code ignored;
    if (replaces && !fs::exists(destination_, ignored)) fs::rename(old, destination_, ignored);
    user_error(destination_.string(), ": cannot put the finished folder there: ", error.message());
  }
  temporary_.clear();
  sync_directory(destination_.parent_path());
  if (replaces) fs::remove_all(old, error);
}

}  // namespace unlearn::checkpoint
