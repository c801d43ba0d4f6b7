// Deleting and replacing by manifest.
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/lock.h"
#include "unlearn/core/log.h"
#include "unlearn/core/manifest.h"

namespace unlearn {
namespace fs = std::filesystem;
namespace {

bool is_real_folder(const fs::path& path) { return fs::is_directory(fs::symlink_status(path)); }

bool is_temporary_of_any(const std::string& name, const std::vector<std::string>& stems) {
  return is_temporary_of(name, Manifest::kName) ||
         std::any_of(stems.begin(), stems.end(),
                     [&](const std::string& stem) { return is_temporary_of(name, stem); });
}

// Folders on the way to the listed files, the deepest first.
std::vector<fs::path> folders_of(const std::vector<std::string>& names) {
  std::set<fs::path> folders;
  for (const std::string& name : names) {
    for (fs::path at = fs::path(name).parent_path(); !at.empty(); at = at.parent_path()) {
      folders.insert(at);
    }
  }
  return {folders.rbegin(), folders.rend()};
}

void collect_foreign(const fs::path& folder, const fs::path& below, const Manifest& manifest,
                     std::vector<std::string>& foreign) {
  const std::vector<std::string> names = manifest.names();
  const auto leads_to_own = [&](const std::string& prefix) {
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& name) { return name.starts_with(prefix + "/"); });
  };
  for (const auto& entry : fs::directory_iterator(folder / below)) {
    const fs::path relative = below / entry.path().filename();
    const std::string name = relative.string();
    if (name == Manifest::kName || name == FileLock::kName || manifest.is_own(folder, name))
      continue;
    if (is_real_folder(entry.path()) && leads_to_own(name)) {
      collect_foreign(folder, relative, manifest, foreign);
    } else if (!is_temporary_of_any(name, names) || !entry.is_regular_file()) {
      foreign.push_back(name);
    }
  }
}

}  // namespace

bool is_taken(const fs::path& path) {
  return fs::symlink_status(path).type() != fs::file_type::not_found;
}

std::vector<std::string> foreign_entries(const fs::path& folder) {
  const auto manifest = Manifest::read(folder);
  std::vector<std::string> foreign;
  collect_foreign(folder, "", manifest.value_or(Manifest()), foreign);
  if (!manifest && is_taken(folder / Manifest::kName)) foreign.emplace_back(Manifest::kName);
  std::sort(foreign.begin(), foreign.end());
  return foreign;
}

std::vector<std::string> changed_entries(const fs::path& folder) {
  std::vector<std::string> changed;
  const auto manifest = Manifest::read(folder);
  if (!manifest) return changed;
  for (const std::string& name : manifest->names()) {
    if (is_taken(folder / name) && !manifest->is_own(folder, name)) changed.push_back(name);
  }
  return changed;
}

void remove_temporaries(const fs::path& folder, const std::vector<std::string>& names) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.symlink_status().type() == fs::file_type::regular &&
        is_temporary_of_any(entry.path().filename().string(), names)) {
      fs::remove(entry.path());
    }
  }
}

std::vector<fs::path> remove_own(const fs::path& folder) {
  if (!is_taken(folder)) return {};
  const auto manifest = is_real_folder(folder) ? Manifest::read(folder) : std::nullopt;
  if (!manifest) return {folder};
  std::vector<std::string> names = manifest->names();
  std::reverse(names.begin(), names.end());
  for (const std::string& name : names) {
    if (manifest->is_own(folder, name)) fs::remove(folder / name);
  }
  remove_temporaries(folder, names);
  std::error_code not_empty;
  for (const fs::path& inner : folders_of(names)) {
    if (is_real_folder(folder / inner)) fs::remove(folder / inner, not_empty);
  }
  fs::remove(folder / Manifest::kName);
  sync_directory(folder);
  if (fs::remove(folder, not_empty) && !not_empty) return {};
  std::vector<fs::path> left;
  for (const std::string& name : foreign_entries(folder)) left.push_back(folder / name);
  return left;
}

void set_aside(const fs::path& path) {
  const fs::path kept = cat(path.string(), ".kept-", unique_suffix());
  fs::rename(path, kept);
  log::warn(path.string(),
            ": was not written by this program, or was changed since; it is kept as ",
            kept.filename().string());
}

OwnFolder::OwnFolder(fs::path folder)
    : path_(std::move(folder)), manifest_(Manifest::read(path_).value_or(Manifest())) {}

void OwnFolder::check_free(const std::vector<std::string>& names) const {
  if (is_taken(path_) && !fs::is_directory(path_)) {
    user_error(path_.string(), ": is a file; a folder is needed here");
  }
  for (const std::string& name : names) {
    if (is_taken(path_ / name) && !manifest_.is_own(path_, name)) {
      user_error((path_ / name).string(),
                 ": is there and was not written by this program, or was changed since; it is not "
                 "replaced: move it away, or give another folder");
    }
  }
}

void OwnFolder::claim(const std::vector<std::string>& names) {
  const Manifest before = manifest_;
  for (const std::string& name : names) {
    fs::create_directories((path_ / name).parent_path());
    if (is_taken(path_ / name) && !manifest_.is_own(path_, name)) set_aside(path_ / name);
    manifest_.claim(name);  // a kill between the file and its new hash must not make it foreign
  }
  if (!(manifest_ == before)) manifest_.write(path_);
}

void OwnFolder::write(const std::string& name, std::string_view content) {
  claim({name});
  record(name, write_hashed_file(path_ / name, content));
}

void OwnFolder::record(const std::string& name, WrittenFile file) {
  manifest_.add(name, std::move(file));
  manifest_.write(path_);
}

}  // namespace unlearn
