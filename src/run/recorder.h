// What the first process of a run writes down about it: run.json, config.resolved.yaml, the event
// file, and its messages.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "run/input_hashes.h"
#include "run/run_ending.h"
#include "run/run_start.h"
#include "unlearn/eval/evaluation.h"
#include "unlearn/run/progress.h"
#include "unlearn/run/run.h"
#include "unlearn/train/event_file.h"

namespace unlearn::run {

// Mean log-probability per token at which a model hardly knows an answer: a probability of one
// half. One that learnt the rows is well above.
inline constexpr double kUnknownLogprob = -0.7;

using Clock = std::chrono::steady_clock;

// run.json and config.resolved.yaml. Only the first process has one.
class Recorder {
 public:
  // Opens the output folder. All arguments outlive this. `begin`: of the process.
  Recorder(const RunConfig& config, const PreparedRun& run, const RunRequest& request,
           Clock::time_point begin);

  train::RunFolder& folder() { return folder_; }
  // Where the run begins. UserError when it cannot go on.
  RunStart find_start();
  // The run begins to train: its settings, its status.
  void start(const RunStart& start);
  // The content of all inputs as text; waits until it is known, and writes it into run.json.
  std::string input_hashes();
  // A name for the content of all inputs, which is known before their hashes are.
  const std::string& reference_key() { return hashes_->key(); }
  void write_hashes_when_known() { hashes_->write_when_known(folder_); }
  // The training is over; with its times and peaks.
  void end(const char* status);
  // The same when something went wrong: that is reported, not that it could not be recorded.
  void end_after_error(const char* status);
  void set_status(const char* status) { folder_.update_run_json({{"status", status}}); }

  // Of this run, with the processes that it was resumed from.
  double seconds() const;

 private:
  Json describe_run() const;

  const RunConfig& config_;
  const PreparedRun& run_;
  const RunRequest& request_;
  Clock::time_point begin_;
  train::RunFolder folder_;
  std::optional<InputHashes> hashes_;
  double earlier_seconds_ = 0;
};

// What a training reports of its steps: progress, the event file, warnings.
class StepReport {
 public:
  StepReport(const RunConfig& config, const PreparedRun& run, const train::RunFolder& folder);

  void add(const train::StepRecord& record, int64_t total_steps);
  // Of the model in training.
  void add(int64_t step, const eval::Outcome& outcome);

 private:
  const RunConfig& config_;
  const PreparedRun& run_;
  Progress progress_;
  train::EventFile events_;
};

}  // namespace unlearn::run
