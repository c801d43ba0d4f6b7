// unlearn forget: people's own rows, from a model and a file to a verdict. What is not said is
// chosen here, and every choice is logged and recorded in config.resolved.yaml.
#pragma once

#include <optional>
#include <string>

#include "unlearn/config/settings.h"
#include "unlearn/metrics/own_data/verdict.h"
#include "unlearn/train/run_folder.h"

namespace unlearn::run {

struct ForgetRequest {
  // What the user says: model.path, data.forget, data.retain, output and anything else; it lies
  // above what is chosen.
  config::Settings user;
  bool force = false;     // also rows that the model does not seem to know
  bool lora = false;      // train an adapter even where a full fine-tune fits
  std::string base = {};  // folder of the model before it learnt the rows
  metrics::own_data::Targets targets = {};
  train::ExistingOutput existing = train::ExistingOutput::kRefuse;
  std::string command_line = {};
};

// Exit code: 0 when the target is reached within the damage limit, 4 otherwise. UserError before
// the first step for wrong inputs, and for rows that the model does not know.
int forget(const ForgetRequest& request);

// Checks everything that forget() checks before it asks the model, loads no weights, leaves no
// file behind, and returns as text what would be done: rows, template, choices, memory.
std::string dry_run_forget(const ForgetRequest& request);

// The run folder's files beside those of a training run (train/run_folder.h).
inline constexpr const char* kVerdictFile = "verdict.json";
inline constexpr const char* kVerdictPage = "report.html";
inline constexpr const char* kRefusalsFile = "refusals.txt";
inline constexpr const char* kSamplesFile = "retain.samples.jsonl";
// Below its eval/: what was measured of the model as it came.
inline constexpr const char* kBeforeFolder = "before";

// Exit code of a run that is done and did not reach what it was asked for.
inline constexpr int kNotReached = 4;

}  // namespace unlearn::run
