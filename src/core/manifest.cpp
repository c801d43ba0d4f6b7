#include "unlearn/core/manifest.h"

#include <sys/stat.h>

#include <algorithm>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/json.h"

namespace unlearn {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kVersion = 1;

// No way out of the folder, whoever wrote the list.
bool is_plain(const std::string& name) {
  const fs::path path = name;
  return !name.empty() && path.is_relative() &&
         std::none_of(path.begin(), path.end(), [](const fs::path& part) {
           return part.empty() || part == "." || part == "..";
         });
}

std::optional<struct stat> own_status(const fs::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return std::nullopt;
  return info;
}

// Whether every folder on the way from `folder` to the file is a real one.
bool is_reached_without_links(const fs::path& folder, const fs::path& name) {
  fs::path at = folder;
  for (const fs::path& part : name.parent_path()) {
    at /= part;
    const auto info = own_status(at);
    if (!info || !S_ISDIR(info->st_mode)) return false;
  }
  return true;
}

WrittenFile record_of(const Json& json) {
  return {json.at("bytes").get<uint64_t>(), json.at("modified_ns").get<int64_t>(),
          json.at("sha256").get<std::string>()};
}

}  // namespace

std::optional<Manifest> Manifest::read(const fs::path& folder) {
  const auto info = own_status(folder / kName);
  if (!info || !S_ISREG(info->st_mode)) return std::nullopt;
  Manifest manifest;
  try {
    const Json json = read_json(folder / kName);
    if (json.at("program") != "unlearn" || json.at("version") != kVersion) return std::nullopt;
    for (const auto& [name, file] : json.at("files").items()) {
      if (!is_plain(name)) return std::nullopt;
      Entry entry{name, std::nullopt};
      if (!file.is_null()) entry.file = record_of(file);
      manifest.put(std::move(entry));
    }
  } catch (const Json::exception&) {
    return std::nullopt;
  } catch (const UserError&) {
    return std::nullopt;
  }
  return manifest;
}

void Manifest::add(const std::string& name, WrittenFile file) { put({name, std::move(file)}); }

void Manifest::claim(const std::string& name) { put({name, std::nullopt}); }

const Manifest::Entry* Manifest::find(std::string_view name) const {
  const auto found = std::find_if(files_.begin(), files_.end(),
                                  [&](const Entry& entry) { return entry.name == name; });
  return found == files_.end() ? nullptr : &*found;
}

void Manifest::put(Entry entry) {
  if (const Entry* known = find(entry.name)) {
    const_cast<Entry*>(known)->file = std::move(entry.file);
  } else {
    files_.push_back(std::move(entry));
  }
}

std::vector<std::string> Manifest::names() const {
  std::vector<std::string> names;
  for (const Entry& entry : files_) names.push_back(entry.name);
  return names;
}

bool Manifest::is_own(const fs::path& folder, const std::string& name) const {
  const Entry* entry = find(name);
  const auto info = own_status(folder / name);
  if (entry == nullptr || !info || !S_ISREG(info->st_mode) ||
      !is_reached_without_links(folder, name)) {
    return false;
  }
  if (!entry->file) return true;
  const FileStamp stamp = stamp_of(folder / name);
  if (stamp.bytes != entry->file->bytes) return false;
  return stamp.modified_ns == entry->file->modified_ns ||
         sha256_file(folder / name) == entry->file->sha256;
}

std::string Manifest::first_damage(const fs::path& folder) const {
  for (const Entry& entry : files_) {
    const fs::path path = folder / entry.name;
    if (!is_taken(path)) return cat(entry.name, " is missing");
    if (!entry.file) continue;
    if (!fs::is_regular_file(path)) return cat(entry.name, " is no file");
    const uint64_t bytes = stamp_of(path).bytes;
    if (bytes != entry.file->bytes) {
      return cat(entry.name, " has ", bytes, " bytes, not ", entry.file->bytes);
    }
    if (sha256_file(path) != entry.file->sha256) {
      return cat(entry.name, " is not what was written (its hash differs)");
    }
  }
  return "";
}

void Manifest::write(const fs::path& folder) const {
  Json files = Json::object();
  for (const Entry& entry : files_) {
    files[entry.name] = entry.file ? Json{{"bytes", entry.file->bytes},
                                          {"modified_ns", entry.file->modified_ns},
                                          {"sha256", entry.file->sha256}}
                                   : Json();
  }
  const Json json = {{"program", "unlearn"}, {"version", kVersion}, {"files", files}};
  write_hashed_file(folder / kName, json.dump(1) + "\n");
}

}  // namespace unlearn
