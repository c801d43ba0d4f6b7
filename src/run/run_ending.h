// What a run reports when it ends: its figures, and the command that people type next.
#pragma once

#include <optional>
#include <string>

#include "unlearn/run/run_config.h"
#include "unlearn/train/run_folder.h"
#include "unlearn/train/trainer.h"

namespace unlearn::run {

// The figures of the first and the last step of this process.
class Course {
 public:
  void add(const train::StepRecord& record);
  // ": loss 0.9 -> 0.1, forget …"; empty without a step.
  std::string text() const;

 private:
  std::optional<train::StepRecord> first_;
  train::StepRecord last_;
};

// After Ctrl-C: the checkpoint, and the command that goes on.
void report_resuming(const RunConfig& config, const train::RunFolder& folder);

// What people do next with the model (or adapter) that the run has written to `model`.
std::string next_command(const RunConfig& config, const std::string& model);

}  // namespace unlearn::run
