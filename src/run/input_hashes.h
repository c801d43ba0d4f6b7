// What a run has read, by content.
#pragma once

#include <future>
#include <map>
#include <string>

#include "unlearn/core/written_file.h"
#include "unlearn/run/prepare.h"
#include "unlearn/train/run_folder.h"

namespace unlearn::run {

// SHA-256 of every weight, tokenizer and data file that the run reads: of what was read where it
// was read whole (ReadLog), else on a thread of its own, because training need not wait for
// gigabytes to be hashed; such a file must not have changed by then. It may be gone: it is opened
// at once.
class InputHashes {
 public:
  InputHashes(const RunConfig& config, const PreparedRun& run);

  // For a run that goes on: UserError when a file is not what it was (`before`: inputs_sha256 of
  // run.json). Waits for the hashes.
  void check_unchanged(const Json& before) const;
  // File -> hash. Waits for the hashes; UserError when a file was changed meanwhile.
  Json values() const;
  // A name for all that is read, for which no large file need be hashed to its end by one thread:
  // those go into it by sha256_of_pieces().
  const std::string& key();
  // Puts them into run.json when all are known, or waits until they are.
  void write_when_known(train::RunFolder& folder);
  void write(train::RunFolder& folder);

 private:
  void start(const std::filesystem::path& file);
  static void check_stamp(const std::string& file, const FileStamp& before);

  std::map<std::string, std::shared_future<std::string>> hashes_;
  std::map<std::string, FileStamp> stamps_;  // of the files that are hashed by a second read
  std::string key_;                          // "" until it is asked for
  bool is_written_ = false;
};

}  // namespace unlearn::run
