#include "unlearn/checkpoint/hf_folder.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/json.h"

namespace unlearn::checkpoint {
namespace fs = std::filesystem;
namespace {

constexpr std::array kCompanionFiles{"generation_config.json",
                                     "tokenizer.json",
                                     "tokenizer.model",
                                     "tokenizer.model.v3",
                                     "tokenizer_config.json",
                                     "special_tokens_map.json",
                                     "added_tokens.json",
                                     "vocab.json",
                                     "merges.txt",
                                     "vocab.txt",
                                     "spiece.model",
                                     "tekken.json",
                                     "chat_template.jinja",
                                     "chat_template.json",
                                     "preprocessor_config.json",
                                     "processor_config.json",
                                     "video_preprocessor_config.json"};
// Named templates beside the chat template, as transformers saves them.
constexpr const char* kMoreTemplates = "additional_chat_templates";

void copy_file_of(const fs::path& source, const fs::path& destination, const fs::path& name) {
  write_file_atomic(destination / name, read_file(source / name));
}

// The regular files of a folder with that ending; none when there is no such folder.
std::vector<fs::path> files_ending(const fs::path& folder, const char* ending) {
  std::vector<fs::path> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.is_regular_file(ignored) && entry.path().extension() == ending) {
      names.push_back(entry.path().filename());
    }
  }
  return names;
}

// Whether a settings file names classes in Python files.
bool names_code(const fs::path& file) {
  if (file.extension() != ".json" || file.filename() == "tokenizer.json") return false;
  const Json json = read_json(file);
  return json.is_object() && json.contains("auto_map");
}

fs::path sibling(const fs::path& path, const char* suffix) {
  return path.parent_path() / cat(".", path.filename().string(), suffix, ::getpid());
}

// "out/model/" and "out/model" name the same folder, but the first has an empty file name.
fs::path without_trailing_slash(const fs::path& path) {
  const fs::path normal = fs::absolute(path).lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

bool holds_weights(const fs::path& folder) {
  if (!fs::exists(folder / "config.json") && !fs::exists(folder / "adapter_config.json")) {
    return false;
  }
  return std::any_of(fs::directory_iterator(folder), fs::directory_iterator(),
                     [](const auto& e) { return e.path().extension() == ".safetensors"; });
}

// What is replaced is erased: a mistyped name must not cost a home directory or the input itself.
void check_replaceable(const fs::path& folder, const std::vector<fs::path>& inputs) {
  if (!holds_weights(folder)) {
    user_error(folder.string(),
               ": holds no model (config.json and *.safetensors), so it is not replaced; give "
               "another folder");
  }
  for (const fs::path& input : inputs) {
    if (lies_in(input, folder)) {
      user_error(folder.string(), ": is not replaced because the input ", input.string(),
                 " lies in it; give another folder");
    }
  }
}

}  // namespace

void copy_companion_files(const fs::path& source, const fs::path& destination) {
  bool needs_code = false;
  for (const char* name : kCompanionFiles) {
    std::error_code ignored;
    if (!fs::is_regular_file(source / name, ignored)) continue;
    copy_file_of(source, destination, name);
    needs_code = needs_code || names_code(source / name);
  }
  const std::vector<fs::path> templates = files_ending(source / kMoreTemplates, ".jinja");
  if (!templates.empty()) fs::create_directory(destination / kMoreTemplates);
  for (const fs::path& name : templates) {
    copy_file_of(source, destination, kMoreTemplates / name);
  }
  if (!needs_code) return;
  for (const fs::path& name : files_ending(source, ".py")) copy_file_of(source, destination, name);
}

FolderWriter::FolderWriter(const fs::path& destination, ExistingFolder existing,
                           const std::vector<fs::path>& inputs)
    : destination_(without_trailing_slash(destination)),
      temporary_(sibling(destination_, ".tmp.")) {
  std::error_code error;
  if (fs::exists(destination_, error)) {
    const bool is_folder = fs::is_directory(destination_, error);
    if (!is_folder) user_error(destination.string(), ": is a file; a new folder is needed here");
    if (!fs::is_empty(destination_, error)) {
      if (existing == ExistingFolder::kRefuse) {
        user_error(destination.string(), ": exists already and is not empty; give a new folder");
      }
      check_replaceable(destination_, inputs);
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
