// What every command that runs a model opens first: tokenizer, template, data, model.
#pragma once

#include <memory>
#include <string>

#include "commands/run_config.h"
#include "unlearn/distributed/launch.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/model/footprint.h"
#include "unlearn/tokenizer/tokenizer.h"
#include "unlearn/train/memory_plan.h"
#include "unlearn/train/run_folder.h"
#include "unlearn/train/schedule.h"
#include "unlearn/train/trainer.h"

namespace unlearn::commands {

// The processes that share a run, and how many of them are on this machine.
struct Sharing {
  int64_t processes = 1;
  int64_t here = 1;
};

// A run whose inputs have all been checked; no weights are loaded yet.
struct PreparedRun {
  torch::Device device = torch::kCPU;
  torch::Dtype dtype = torch::kFloat32;
  std::unique_ptr<tokenizer::Tokenizer> tokenizer;
  data::Template prompt_template;
  data::Splits splits;
  train::StepPlan plan;
  Json hf_config;
  model::ModelFootprint footprint;  // with what train.lora asks for
  Sharing sharing;

  // The stream that defines epochs.
  const data::Split& leading() const { return splits.train ? *splits.train : *splits.forget; }
};

// UserError when tensors of a model folder are missing. Tensors without a place, and what the index
// or config.json says otherwise than the tensors, are warnings, or errors when `is_strict`.
void check_model(const std::filesystem::path& folder, bool is_strict);

// Checks model folder, tokenizer and data rows; UserError for the first thing that is wrong.
PreparedRun prepare_run(const RunConfig& config, Purpose purpose, torch::Device device,
                        const Sharing& sharing);

// What the trainer gets, without model and reference.
train::TrainerInputs trainer_inputs(const RunConfig& config, const PreparedRun& run);

// Bytes that one process of the run may take: train.memory_gib, or what the device has free.
int64_t memory_limit(const RunConfig& config, const PreparedRun& run);

// Predicts the memory of the run and replaces `auto` in its memory modes by what fits into `limit`.
// UserError when not even the smallest of the allowed modes does.
train::MemoryPlan settle_memory(RunConfig& config, const PreparedRun& run, int64_t limit);

// The plan as text: steps, tokens, micro-batches, predicted memory.
std::string describe_plan(const RunConfig& config, const PreparedRun& run,
                          const train::MemoryPlan& memory);

// Trains as the flags say and saves the model; the common body of train and finetune. Every process
// of the run calls it.
int execute_run(const SharedFlags& shared, const TrainingFlags& flags, Purpose purpose,
                const distributed::Launch& launch, const std::string& command_line);

}  // namespace unlearn::commands
