// Folders that appear whole, with a manifest of their files.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/core/lock.h"
#include "unlearn/core/manifest.h"

namespace unlearn {

enum class ExistingFolder {
  kRefuse,   // unless it is empty
  kReplace,  // what this program wrote; UserError for others' folders and changed files
  kYield,    // the same, but what is not known to be this program's steps aside under a new name
};

// Builds a folder under a temporary name next to its destination; commit() flushes it and puts it
// into place, so that the destination is absent, old or new, and whole. Without commit() nothing
// remains. A destination that is a link stays one: the folder behind it is replaced.
class FolderWriter {
 public:
  // `inputs`: the folders that the new one is made from. UserError when `destination` exists and is
  // neither empty nor may be replaced, or holds one of the inputs.
  FolderWriter(const std::filesystem::path& destination, ExistingFolder existing,
               const std::vector<std::filesystem::path>& inputs = {});
  ~FolderWriter();
  FolderWriter(const FolderWriter&) = delete;
  FolderWriter& operator=(const FolderWriter&) = delete;

  const std::filesystem::path& path() const { return temporary_; }  // write into this
  // Files written there, for the manifest; commit() reads and hashes those it has no hash of.
  void add(const std::string& name, WrittenFile file) { manifest_.add(name, std::move(file)); }
  void add(const WrittenFiles& files);
  // Others' files in a replaced folder are in the new one, unless it has its own of that name.
  // `in_one_step` false: as on file systems that cannot exchange two names.
  void commit(bool in_one_step = true);

  // What killed writers to `destination` left beside it. Writers at work are not disturbed.
  static void remove_leftovers(const std::filesystem::path& destination);

 private:
  void put_in_place(bool in_one_step);

  std::filesystem::path destination_;
  std::filesystem::path temporary_;
  std::optional<FileLock> lock_;
  Manifest manifest_;
};

}  // namespace unlearn
