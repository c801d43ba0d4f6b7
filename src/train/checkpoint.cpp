#include "unlearn/train/checkpoint.h"

#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn::train {
namespace fs = std::filesystem;
namespace {

constexpr const char* kModel = "model.safetensors";
constexpr const char* kOptimizer = "optimizer.safetensors";
constexpr const char* kState = "state.json";

std::vector<checkpoint::NamedTensor> named(const NamedTensors& tensors) {
  std::vector<checkpoint::NamedTensor> result;
  for (const auto& [name, tensor] : tensors) result.push_back({name, tensor.detach()});
  return result;
}

// The first dotted key in which two objects differ, with both values; "" when they are equal.
std::string first_difference(const Json& saved, const Json& now) {
  const Json saved_flat = saved.flatten();
  const Json now_flat = now.flatten();
  for (const auto& [key, value] : now_flat.items()) {
    const Json before = saved_flat.value(key, Json());
    if (before == value) continue;
    std::string dotted = key.substr(1);
    std::replace(dotted.begin(), dotted.end(), '/', '.');
    return cat(dotted, " was ", before.dump(), ", now ", value.dump());
  }
  return saved_flat.size() == now_flat.size() ? "" : "a setting is missing now";
}

}  // namespace

void write_checkpoint(const fs::path& folder, const AdamW& optimizer, const TrainingState& state) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  checkpoint::write_safetensors(folder / kModel, named(optimizer.parameters()));
  checkpoint::write_safetensors(folder / kOptimizer, named(optimizer.state()));
  const Json json = {{"step", state.step},
                     {"optimizer_steps", optimizer.steps_done()},
                     {"stream_position", state.stream_position},
                     {"loss_state", state.loss_state},
                     {"fingerprint", state.fingerprint}};
  write_file_atomic(folder / kState, json.dump(2) + "\n");
  write_file_atomic(folder / "DONE", "");
}

TrainingState read_checkpoint(const fs::path& folder, AdamW& optimizer, const Json& fingerprint) {
  const Json json = read_json(folder / kState);
  TrainingState state;
  int64_t optimizer_steps = 0;
  try {
    state.step = json.at("step").get<int64_t>();
    optimizer_steps = json.at("optimizer_steps").get<int64_t>();
    state.stream_position = json.at("stream_position").get<int64_t>();
    state.loss_state = json.at("loss_state");
    state.fingerprint = json.at("fingerprint");
  } catch (const Json::exception&) {
    user_error((folder / kState).string(), ": is no training state of this program");
  }
  if (const std::string difference = first_difference(state.fingerprint, fingerprint);
      !difference.empty()) {
    user_error("--resume: the run was started with other settings: ", difference,
               "; give the same ones, or start a new run");
  }
  const checkpoint::SafetensorsFile weights(folder / kModel);
  const checkpoint::SafetensorsFile moments(folder / kOptimizer);
  torch::NoGradGuard no_grad;
  for (const auto& [name, parameter] : optimizer.parameters()) {
    const torch::Tensor saved = weights.view(name);
    if (saved.sizes() != parameter.sizes() || saved.scalar_type() != parameter.scalar_type()) {
      user_error(weights.path().string(), ": tensor '", name, "' does not fit the model");
    }
    torch::Tensor target = parameter;
    target.copy_(saved);
  }
  optimizer.load_state([&](const std::string& name) { return moments.view(name); },
                       optimizer_steps);
  return state;
}

}  // namespace unlearn::train
