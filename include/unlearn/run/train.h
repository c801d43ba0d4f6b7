// Training a loaded model in this process, and in those that share the run.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "unlearn/distributed/group.h"
#include "unlearn/run/prepare.h"
#include "unlearn/train/run_folder.h"
#include "unlearn/train/trainer.h"

namespace unlearn::run {

// What a training works on; all of it outlives the training.
struct Training {
  const RunConfig& config;
  const PreparedRun& run;
  model::CausalLM& model;
  // Where metrics, checkpoints and reference values go; RunFolder::in_memory() for nowhere.
  train::RunFolder& folder;
  const distributed::Group& group = distributed::alone();
};

struct TrainingOptions {
  std::optional<int64_t> checkpoint = {};  // the step that training goes on from
  std::string origin = {};  // folder of its checkpoint where it is not in the run's own
  // What the reference values depend on beside tokens and labels: the content of the weights and of
  // all other inputs. Asked of the first process, and only when the method needs a reference.
  std::function<std::string()> reference_key = nullptr;
  // Called on every process when all is ready, before the first step, with the step that training
  // goes on from (0: from the start). When one of them says kStop, there is no further step.
  std::function<train::AfterStep(int64_t step)> on_ready = nullptr;
  train::TrainerHooks hooks = {};
};

// Runs config.loss over run.splits until the plan's last step, or until hooks.after_step says stop.
// Every process of the group calls it. Returns the number of the last step. NonFiniteError before
// the update of a bad step; Interrupted after a signal, when a checkpoint is saved.
int64_t train(const Training& training, TrainingOptions options = {});

}  // namespace unlearn::run
