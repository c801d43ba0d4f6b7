#include "unlearn/core/folder_writer.h"

#include <algorithm>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"

namespace unlearn {
namespace fs = std::filesystem;
namespace {

// Hidden, beside the destination: of a folder that is being built, and of one that was replaced
// where two names cannot be exchanged.
std::string building_name(const fs::path& destination) {
  return cat(".", destination.filename().string());
}
std::string replaced_name(const fs::path& destination) {
  return cat(".", destination.filename().string(), ".old");
}

fs::path temporary_sibling(const fs::path& destination, const std::string& stem) {
  return destination.parent_path() / cat(stem, ".tmp.", unique_suffix());
}

// "out/model/" and "out/model" name the same folder, but the first has an empty file name. Of a
// link, the folder behind it.
fs::path plain_path(const fs::path& path) {
  std::error_code error;
  const fs::path behind = fs::canonical(path, error);
  if (!error) return behind;
  const fs::path normal = fs::absolute(path).lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

bool is_empty_folder(const fs::path& path) { return fs::is_directory(path) && fs::is_empty(path); }

// What is replaced is erased: a mistyped name must not cost a home directory or the input itself.
void check_replaceable(const fs::path& folder, const std::vector<fs::path>& inputs) {
  for (const fs::path& input : inputs) {
    if (lies_in(input, folder)) {
      user_error(folder.string(), ": is not replaced because the input ", input.string(),
                 " lies in it; give another folder");
    }
  }
  if (!Manifest::read(folder)) {
    user_error(folder.string(), ": holds no model that this program wrote (there is no ",
               Manifest::kName,
               "), so it is not replaced; give another folder, or remove it first");
  }
  const std::vector<std::string> changed = changed_entries(folder);
  if (!changed.empty()) {
    user_error((folder / changed.front()).string(),
               ": was changed since this program wrote it, so the folder is not replaced; move it "
               "away, or give another folder");
  }
}

// Deletes what this program wrote of a folder that was replaced. What others have there moves into
// the new one; where that has a file of the same name, the old folder stays under a new name. Of a
// folder without a manifest nothing is known: all of it moves, or all stays together.
void clear_replaced(const fs::path& old, const fs::path& destination) {
  if (!is_taken(old)) return;
  const bool is_known = Manifest::read(old).has_value();
  const std::vector<std::string> others = foreign_entries(old);
  const bool collides = std::any_of(others.begin(), others.end(), [&](const std::string& name) {
    return is_taken(destination / name);
  });
  if (is_known || !collides) {
    // First, so that a kill in between leaves a manifest that says what to go on with.
    for (const std::string& name : others) {
      if (is_taken(destination / name)) continue;
      fs::rename(old / name, destination / name);
      log::warn((destination / name).string(), ": was not written by this program; it stays");
    }
  }
  std::error_code not_empty;
  if (is_known) {
    remove_own(old);
  } else {
    fs::remove(old, not_empty);
  }
  if (!is_taken(old)) return;
  const fs::path kept = cat(destination.string(), ".kept-", unique_suffix());
  fs::rename(old, kept);
  log::warn(destination.string(), ": held what this program did not write; it is kept as ",
            kept.filename().string());
}

// A folder that was being built when its writer was killed: it has the writer's lock, free now.
void remove_unfinished(const fs::path& folder) {
  const auto lock = FileLock::take_free(folder / FileLock::kName);
  if (!lock) return;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const bool is_file = entry.symlink_status().type() == fs::file_type::regular;
    if (is_file && entry.path().filename() != FileLock::kName) fs::remove(entry.path());
  }
}

}  // namespace

FolderWriter::FolderWriter(const fs::path& destination, ExistingFolder existing,
                           const std::vector<fs::path>& inputs)
    : destination_(plain_path(destination)),
      temporary_(temporary_sibling(destination_, building_name(destination_))) {
  remove_leftovers(destination_);
  std::error_code error;
  if (is_taken(destination_)) {
    const bool is_folder = fs::is_directory(destination_, error);
    if (!is_folder) user_error(destination.string(), ": is a file; a new folder is needed here");
    if (!fs::is_empty(destination_, error)) {
      if (existing == ExistingFolder::kRefuse) {
        user_error(destination.string(), ": exists already and is not empty; give a new folder");
      }
      if (existing == ExistingFolder::kReplace) check_replaceable(destination_, inputs);
    }
  }
  fs::create_directories(destination_.parent_path(), error);
  if (!fs::create_directory(temporary_, error)) {
    user_error(temporary_.string(), ": cannot create the folder: ", error.message());
  }
  lock_.emplace(temporary_ / FileLock::kName, temporary_.string());
}

FolderWriter::~FolderWriter() {
  lock_.reset();
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

void FolderWriter::add(const WrittenFiles& files) {
  for (const auto& [name, file] : files) add(name, file);
}

void FolderWriter::commit(bool in_one_step) {
  for (const auto& entry : fs::directory_iterator(temporary_)) {
    const std::string name = entry.path().filename().string();
    if (name == FileLock::kName || manifest_.lists(name)) continue;
    add(name, hash_file(entry.path()));
  }
  manifest_.write(temporary_);
  lock_.reset();
  fs::remove(temporary_ / FileLock::kName);  // where that failed: it is no part of the folder
  sync_directory(temporary_);
  put_in_place(in_one_step);
  temporary_.clear();
}

void FolderWriter::put_in_place(bool in_one_step) {
  const fs::path parent = destination_.parent_path();
  std::error_code error;
  fs::path old;
  if (!is_taken(destination_) || is_empty_folder(destination_)) {
    fs::rename(temporary_, destination_, error);
  } else if (in_one_step && exchange_names(temporary_, destination_)) {
    old = temporary_;
  } else {
    // In two steps; remove_leftovers() ends what a kill between them leaves undone.
    old = temporary_sibling(destination_, replaced_name(destination_));
    fs::rename(destination_, old, error);
    if (!error) fs::rename(temporary_, destination_, error);
    std::error_code ignored;
    if (error && !is_taken(destination_)) fs::rename(old, destination_, ignored);
  }
  if (error) {
    user_error(destination_.string(), ": cannot put the finished folder there: ", error.message());
  }
  sync_directory(parent);
  if (!old.empty()) clear_replaced(old, destination_);
}

void FolderWriter::remove_leftovers(const fs::path& destination) {
  const fs::path folder = plain_path(destination);
  std::error_code error;
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder.parent_path(), error)) {
    const std::string name = entry.path().filename().string();
    const bool is_ours = is_temporary_of(name, building_name(folder)) ||
                         is_temporary_of(name, replaced_name(folder));
    if (is_ours && entry.symlink_status().type() == fs::file_type::directory) {
      found.push_back(entry.path());
    }
  }
  for (const fs::path& left : found) {
    if (is_taken(left / FileLock::kName)) {
      remove_unfinished(left);
      fs::remove(left, error);  // when it is empty
    } else if (is_temporary_of(left.filename().string(), replaced_name(folder)) &&
               !is_taken(folder)) {
      fs::rename(left, folder);
      log::warn(folder.string(), ": a replacement was killed half-way; the old folder is back");
    } else if (Manifest::read(left)) {
      clear_replaced(left, folder);
    }
  }
}

}  // namespace unlearn
