// unlearn remove: a fine-tuned model without some of its rows, by going back to a checkpoint before
// the first of them was used and training on without them. The weights have the bits of a training
// from the beginning with the same data.exclude.
#pragma once

#include <filesystem>
#include <string>

#include "unlearn/train/run_folder.h"

namespace unlearn::run {

struct RemoveRequest {
  std::filesystem::path run;  // of unlearn finetune (or of an earlier removal); never written to
  // Numbers and content hashes with commas between them, a file with one per line, or a file of
  // rows, each of which must be one of the training rows to the token.
  std::string rows;
  std::filesystem::path output;  // empty: the run's with -removed behind its name
  train::ExistingOutput existing = train::ExistingOutput::kRefuse;  // kResume: goes on
  bool dry_run = false;
  std::string command_line = {};
};

// Prints what is replayed and what it costs, then does it (not with dry_run). With the number of
// processes and threads of the run. Returns the exit code. UserError for a run that is none of
// unlearn finetune or not done, rows that it does not have or never used, or another kind of
// device.
int remove(const RemoveRequest& request);

// In the output folder, beside a run's files.
inline constexpr const char* kCertificateFile = "certificate.json";

}  // namespace unlearn::run
