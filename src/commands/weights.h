// The weights of a run: loaded as configured, saved as configured.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "commands/session.h"
#include "unlearn/model/footprint.h"
#include "unlearn/model/model_source.h"
#include "unlearn/train/run_folder.h"

namespace unlearn::commands {

// What train.lora asks for, if anything.
std::optional<model::Adaptation> adaptation(const train::TrainConfig& train);

// The model with model.adapter added into it and train.lora beside it.
std::shared_ptr<model::CausalLM> load_weights(const RunConfig& config, const PreparedRun& run);

// Writes <run>/model, or with LoRA <run>/adapter and, if asked, the merged <run>/model. Returns
// the folder to name to the user. `source`: of model.path, read when the run began.
std::filesystem::path save_weights(const RunConfig& config, const PreparedRun& run,
                                   const model::ModelSource& source, const train::RunFolder& folder,
                                   model::CausalLM& model);

}  // namespace unlearn::commands
