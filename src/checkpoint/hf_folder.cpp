#include "unlearn/checkpoint/hf_folder.h"

#include <array>
#include <vector>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/json.h"
#include "unlearn/core/read_log.h"

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
  const auto add = [&](const fs::path& name) {
    check_stays(source, name.string());
    files.emplace_back(name.string(), read_file(source / name));
    ReadLog::sha256_of(source / name);  // throws where an earlier read found another content
  };
  bool needs_code = false;
  for (const char* name : kCompanionFiles) {
    std::error_code ignored;
    if (!fs::is_regular_file(source / name, ignored)) continue;
    add(name);
    needs_code = needs_code || names_code(source / name);
  }
  for (const fs::path& name : files_ending(source / kMoreTemplates, ".jinja")) {
    add(kMoreTemplates / name);
  }
  if (!needs_code) return files;
  for (const fs::path& name : files_ending(source, ".py")) add(name);
  return files;
}

WrittenFiles write_files(const fs::path& folder, const FileContents& files) {
  WrittenFiles written;
  for (const auto& [name, content] : files) {
    fs::create_directories((folder / name).parent_path());
    written.emplace_back(name, write_hashed_file(folder / name, content));
  }
  return written;
}

WrittenFiles copy_companion_files(const fs::path& source, const fs::path& destination) {
  return write_files(destination, read_companion_files(source));
}

}  // namespace unlearn::checkpoint
