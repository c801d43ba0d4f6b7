// The weights of a run: loaded as configured, saved as configured.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "unlearn/model/footprint.h"
#include "unlearn/model/model_source.h"
#include "unlearn/run/prepare.h"
#include "unlearn/train/run_folder.h"

namespace unlearn::run {

// What train.lora asks for, if anything.
std::optional<model::Adaptation> adaptation(const train::TrainConfig& train);

// The model with model.adapter added into it and train.lora beside it, on the run's device.
std::shared_ptr<model::CausalLM> load_model(const RunConfig& config, const PreparedRun& run);

// Writes <run>/model, or with LoRA <run>/adapter and, if asked, the merged <run>/model. Returns
// the folder to name to the user. `source`: of model.path, read when the run began.
std::filesystem::path save_model(const RunConfig& config, const PreparedRun& run,
                                 const model::ModelSource& source, const train::RunFolder& folder,
                                 model::CausalLM& model);

// Rounds the weights of a model to the precision that it is saved in: what is measured then is what
// was saved. False when that rounds nothing.
bool round_as_saved(const PreparedRun& run, model::CausalLM& model);

// The parameters that require a gradient as they are now, copied to host memory: a model can be
// fine-tuned, evaluated, and put back.
class WeightSnapshot {
 public:
  explicit WeightSnapshot(const model::CausalLM& model);
  // The same bits into the same model, whose parameters require a gradient again.
  void restore(model::CausalLM& model) const;

 private:
  std::vector<std::pair<std::string, torch::Tensor>> values_;  // by name
};

}  // namespace unlearn::run
