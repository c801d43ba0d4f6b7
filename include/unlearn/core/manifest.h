// What of a folder this program wrote: a list of its files with their hashes, kept in the folder.
// Nothing else is ever deleted or replaced.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unlearn/core/written_file.h"

namespace unlearn {

class Manifest {
 public:
  static constexpr const char* kName = "unlearn_manifest.json";

  // That of `folder`; none when there is none, or something else under its name. `folder` may be a
  // link.
  static std::optional<Manifest> read(const std::filesystem::path& folder);

  // Names are relative to the folder. A name that is listed already is listed anew.
  void add(const std::string& name, WrittenFile file);
  // A file that grows or is written again, or is about to be written.
  void claim(const std::string& name);

  bool lists(std::string_view name) const { return find(name) != nullptr; }
  std::vector<std::string> names() const;  // in the order of the first add
  bool empty() const { return files_.empty(); }
  // Whether <folder>/<name> is the listed file: a regular one, reached through no link below the
  // folder, unchanged since (by size and time of modification, else by content).
  bool is_own(const std::filesystem::path& folder, const std::string& name) const;
  // What is wrong with the first listed file whose content is not the listed one, or ""; reads all.
  std::string first_damage(const std::filesystem::path& folder) const;

  void write(const std::filesystem::path& folder) const;

  bool operator==(const Manifest&) const = default;

 private:
  struct Entry {
    std::string name;
    std::optional<WrittenFile> file;  // none: claimed

    bool operator==(const Entry&) const = default;
  };
  const Entry* find(std::string_view name) const;
  void put(Entry entry);

  std::vector<Entry> files_;
};

// Whether something is there under this name, a dangling link too.
bool is_taken(const std::filesystem::path& path);

// Of a folder with a manifest: what is there and not as listed, the manifest, a lock and temporary
// files of listed names apart. Without a manifest: everything.
std::vector<std::string> foreign_entries(const std::filesystem::path& folder);
// Listed names that are there and have been changed or replaced by something else.
std::vector<std::string> changed_entries(const std::filesystem::path& folder);

// Deletes what killed writes of these names left in `folder`.
void remove_temporaries(const std::filesystem::path& folder, const std::vector<std::string>& names);

// Deletes the listed files of `folder` that are still own, the last written first, then the
// manifest, and folders that are empty by that. Returns what is left of it, as paths; the folder
// itself when it is a link or has no manifest (nothing is deleted then).
std::vector<std::filesystem::path> remove_own(const std::filesystem::path& folder);

// Renames what is there to a new name beside it, and warns.
void set_aside(const std::filesystem::path& path);

// A folder into which this program writes files beside whatever else may be there.
class OwnFolder {
 public:
  explicit OwnFolder(std::filesystem::path folder);

  const std::filesystem::path& path() const { return path_; }
  // UserError when a file of these names is there that this program did not write.
  void check_free(const std::vector<std::string>& names) const;
  // Lists names that are about to be written; what others have there is set aside.
  void claim(const std::vector<std::string>& names);
  // Lists a claimed file as it was written, or as it is.
  void record(const std::string& name, WrittenFile file);
  void record(const std::string& name) { record(name, hash_file(path_ / name)); }
  // Writes a file (and folders on its way) as write_file_atomic and lists it.
  void write(const std::string& name, std::string_view content);

 private:
  std::filesystem::path path_;
  Manifest manifest_;
};

}  // namespace unlearn
