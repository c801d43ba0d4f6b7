// The inputs of a run, read and checked before any weights are loaded.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "unlearn/data/exclusion.h"
#include "unlearn/model/footprint.h"
#include "unlearn/run/evaluator.h"
#include "unlearn/run/run_config.h"
#include "unlearn/tokenizer/tokenizer.h"
#include "unlearn/train/memory_plan.h"
#include "unlearn/train/schedule.h"
#include "unlearn/train/trainer.h"

namespace unlearn::run {

// The processes that share a run, and how many of them are on this machine.
struct Sharing {
  int64_t processes = 1;
  int64_t here = 1;
};

// A run whose inputs have been read; no weights are loaded yet.
struct PreparedRun {
  torch::Device device = torch::kCPU;
  torch::Dtype dtype = torch::kFloat32;
  torch::Dtype saved_dtype = torch::kFloat32;  // of the model that the run writes
  std::unique_ptr<tokenizer::Tokenizer> tokenizer;
  data::Template prompt_template;
  data::Splits splits;
  std::optional<data::Exclusion> exclusion = {};  // of the leading split, by data.exclude
  train::StepPlan plan;
  Json hf_config;
  model::ModelFootprint footprint;  // with what train.lora asks for
  Sharing sharing;
  std::unique_ptr<Evaluator> evaluator = {};  // when the run evaluates; of model.path
  // What the run keeps of the trained weights beside the model, and the bytes of weights that are
  // loaded already (train::MemoryShape).
  int64_t kept_copies = 0;
  int64_t loaded_bytes = 0;
  train::MemoryPlan memory = {};  // empty until settle_memory (plan.h)

  // The stream that defines epochs.
  const data::Split& leading() const { return splits.train ? *splits.train : *splits.forget; }
};

// Each step of preparing reads its inputs, fills in its part of the run, and throws a UserError for
// the first thing that is wrong. `prepare` makes all of them; other commands may take the parts
// that they need, in this order.

// Device, dtype, config.json, footprint; no tokenizer.
PreparedRun prepare_model(const RunConfig& config, torch::Device device,
                          const Sharing& sharing = {});
// Tokenizer, prompt template and the rows of data.*.
void prepare_data(const RunConfig& config, PreparedRun& run);
// Puts the row numbers that data.exclude meant into the config, as it is recorded.
void record_exclusion(RunConfig& config, const PreparedRun& run);
// The plan of the steps over run.splits.
void prepare_steps(const RunConfig& config, PreparedRun& run);
// Starts config.loss: a method may draw or size what it keeps by the model's dimensions.
void start_loss(const RunConfig& config, const PreparedRun& run);

// All of the above, and the evaluator where the run evaluates. `config` must outlive the result.
PreparedRun prepare(const RunConfig& config, torch::Device device, const Sharing& sharing = {});

// A resumed run keeps the memory modes that `auto` meant when it was started: those of run.json in
// the output folder.
void adopt_recorded_modes(RunConfig& config);

// UserError when tensors of a model folder are missing. Tensors without a place, and what the index
// or config.json says otherwise than the tensors, are warnings, or errors when `is_strict`.
void check_model(const std::filesystem::path& folder, bool is_strict);

// What the trainer gets, without model, reference and group.
train::TrainerInputs trainer_inputs(const RunConfig& config, const PreparedRun& run);

}  // namespace unlearn::run
