#include "unlearn/train/checkpoint.h"

#include "train/host_memory.h"
#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/core/error.h"
#include "unlearn/core/folder_writer.h"

namespace unlearn::train {
namespace fs = std::filesystem;
namespace {

constexpr const char* kModel = "model.safetensors";
constexpr const char* kOptimizer = "optimizer.safetensors";
constexpr const char* kUpdate = "update.safetensors";
constexpr const char* kState = "state.json";
constexpr const char* kDone = "DONE";

using checkpoint::NamedTensor;

// The tensor itself, or a copy in host memory.
NamedTensor named(const std::string& name, const torch::Tensor& tensor, bool copy) {
  const torch::Tensor own = tensor.detach();
  return {name, copy ? own.to(torch::kCPU, /*non_blocking=*/false, copy) : own};
}

// One tensor of the state, on the first process; the others give their parts to it.
torch::Tensor gather_part(const ShardedParameters& parameters, const StatePart& part,
                          const distributed::Group& group) {
  if (!group.leads()) {
    if (part.own.defined()) group.send(part.own.view({-1}).to(torch::kCPU), 0);
    return {};
  }
  const torch::Tensor whole = torch::empty(part.sizes, part.dtype);
  for (const Shard& shard : parameters.shards()) {
    if (shard.parameter != part.parameter) continue;
    const int64_t size = (shard.size + part.unit - 1) / part.unit;
    const torch::Tensor target = whole.view({-1}).narrow(0, shard.begin / part.unit, size);
    if (shard.part == group.rank()) {
      target.copy_(part.own.view({-1}));
    } else {
      group.receive(target, shard.part);
    }
  }
  return whole;
}

// The whole state, of which the processes hold parts, one tensor at a time.
std::vector<checkpoint::PlannedTensor> shared_state(const ShardedParameters& parameters,
                                                    const std::vector<StatePart>& parts,
                                                    const distributed::Group& group) {
  std::vector<checkpoint::PlannedTensor> planned;
  for (const StatePart& part : parts) {
    planned.push_back({part.name, part.sizes, part.dtype, [&parameters, &group, part] {
                         return gather_part(parameters, part, group);
                       }});
  }
  return planned;
}

// The same on a process that does not write.
void give_parts(std::vector<checkpoint::PlannedTensor> planned) {
  checkpoint::sort_as_written(planned);
  for (const auto& tensor : planned) tensor.make();
}

// Whether tensors on a GPU can be copied with room to spare.
bool fits_host(const TrainedState& trained) {
  const ShardedParameters& parameters = trained.optimizer.parameters();
  if (parameters.device().is_cpu()) return false;
  int64_t bytes = trained.optimizer.state_bytes();
  for (const auto& [name, tensor] : parameters.all()) {
    bytes += static_cast<int64_t>(tensor.nbytes());
  }
  for (const StatePart& part : trained.update) bytes += static_cast<int64_t>(part.own.nbytes());
  return available_host_bytes() > bytes + bytes / 4;
}

// `Tensors`: tensors, or how they are made. The folder appears whole, with its manifest.
template <class Tensors>
void write_files(const fs::path& folder, const std::vector<NamedTensor>& model,
                 const Tensors& optimizer, const Tensors& update, const Json& state) {
  FolderWriter writer(folder, ExistingFolder::kYield);
  writer.add(kModel, checkpoint::write_safetensors(writer.path() / kModel, model));
  writer.add(kOptimizer, checkpoint::write_safetensors(writer.path() / kOptimizer, optimizer));
  if (!update.empty()) {
    writer.add(kUpdate, checkpoint::write_safetensors(writer.path() / kUpdate, update));
  }
  writer.add(kState, write_hashed_file(writer.path() / kState, state.dump(2) + "\n"));
  writer.add(kDone, write_hashed_file(writer.path() / kDone, ""));
  writer.commit();
}

struct SavedState {
  TrainingState state;
  int64_t optimizer_steps = 0;
};

// Checkpoints of earlier versions have none.
MetricsMark read_mark(const Json& json) {
  const auto mark = json.find("metrics");
  if (mark == json.end()) return {};
  return {mark->at("bytes").get<uint64_t>(), mark->at("sha256").get<std::string>()};
}

SavedState read_state(const fs::path& folder) {
  const Json json = read_json(folder / kState);
  SavedState saved;
  bool is_whole = true;
  try {
    saved = {{.step = json.at("step").get<int64_t>(),
              .stream_position = json.at("stream_position").get<int64_t>(),
              .metrics = read_mark(json),
              .loss_state = json.at("loss_state"),
              .fingerprint = json.at("fingerprint")},
             json.at("optimizer_steps").get<int64_t>()};
    is_whole =
        saved.state.step >= 0 && saved.state.stream_position >= 0 && saved.optimizer_steps >= 0;
  } catch (const Json::exception&) {
    is_whole = false;
  }
  if (!is_whole) {
    user_error((folder / kState).string(), ": is no training state of this program");
  }
  return saved;
}

}  // namespace

void CheckpointWriter::wait() {
  if (pending_.valid()) pending_.get();
}

void CheckpointWriter::write(const fs::path& folder, const TrainedState& trained,
                             const TrainingState& state, const distributed::Group& group,
                             std::function<void()> afterwards) {
  wait();
  const Optimizer& optimizer = trained.optimizer;
  const ShardedParameters& parameters = optimizer.parameters();
  const Json json = {
      {"step", state.step},
      {"optimizer_steps", optimizer.steps_done()},
      {"stream_position", state.stream_position},
      {"metrics", {{"bytes", state.metrics.bytes}, {"sha256", state.metrics.sha256}}},
      {"loss_state", state.loss_state},
      {"fingerprint", state.fingerprint}};
  std::vector<NamedTensor> model;
  if (group.size() > 1) {
    const auto moments = shared_state(parameters, optimizer.state(), group);
    const auto update = shared_state(parameters, trained.update, group);
    if (!group.leads()) {
      give_parts(moments);
      give_parts(update);
      return;
    }
    for (const auto& [name, tensor] : parameters.all()) {
      model.push_back({name, tensor.detach()});
    }
    write_files(folder, model, moments, update, json);
    if (afterwards) afterwards();
    return;
  }
  const bool in_background = when_ == CheckpointWrites::kBackground ||
                             (when_ == CheckpointWrites::kAuto && fits_host(trained));
  for (const auto& [name, tensor] : parameters.all()) {
    model.push_back(named(name, tensor, in_background));
  }
  const auto tensors_of = [&](const std::vector<StatePart>& parts) {
    std::vector<NamedTensor> tensors;
    for (const StatePart& part : parts) {
      tensors.push_back(named(part.name, part.own, in_background));
    }
    return tensors;
  };
  auto task = [folder, json, afterwards = std::move(afterwards), model = std::move(model),
               moments = tensors_of(optimizer.state()), update = tensors_of(trained.update)] {
    write_files(folder, model, moments, update, json);
    if (afterwards) afterwards();
  };
  if (in_background) {
    pending_ = std::async(std::launch::async, std::move(task));
  } else {
    task();
  }
}

TrainingState read_training_state(const fs::path& folder) { return read_state(folder).state; }

void check_resumable(const fs::path& folder, const Json& fingerprint) {
  const Json saved = read_state(folder).state.fingerprint;
  if (const std::string difference = first_difference(saved, fingerprint); !difference.empty()) {
    user_error("--resume: the run was started with other settings: ", difference,
               "; give the same ones, or start a new run");
  }
}

std::string first_difference(const Json& before, const Json& now) {
  const Json before_flat = before.flatten();
  const Json now_flat = now.flatten();
  for (const auto& [key, value] : now_flat.items()) {
    const Json earlier = before_flat.value(key, Json());
    if (earlier == value) continue;
    std::string dotted = key.substr(1);
    std::replace(dotted.begin(), dotted.end(), '/', '.');
    return cat(dotted, " was ", earlier.dump(), ", now ", value.dump());
  }
  return before_flat.size() == now_flat.size() ? "" : "a setting is missing now";
}

void read_weights(const fs::path& folder, const NamedTensors& parameters) {
  const checkpoint::SafetensorsFile weights(folder / kModel);
  const torch::NoGradGuard no_grad;
  for (const auto& [name, parameter] : parameters) {
    const torch::Tensor saved = weights.view(name);
    if (saved.sizes() != parameter.sizes() || saved.scalar_type() != parameter.scalar_type()) {
      user_error(weights.path().string(), ": tensor '", name, "' does not fit the model");
    }
    torch::Tensor target = parameter;
    target.copy_(saved);
  }
  weights.check_unchanged();
}

TrainingState read_checkpoint(const CheckpointPlace& place, const TrainedState& trained) {
  const fs::path& folder = place.folder;
  check_resumable(folder, place.fingerprint);
  const auto [state, optimizer_steps] = read_state(folder);
  const checkpoint::SafetensorsFile moments(folder / kOptimizer);
  const torch::NoGradGuard no_grad;
  read_weights(folder, trained.optimizer.parameters().all());
  trained.optimizer.load_state([&](const std::string& name) { return moments.view(name); },
                               optimizer_steps);
  if (!trained.update.empty()) {
    const checkpoint::SafetensorsFile update(folder / kUpdate);
    load_parts(trained.update, trained.optimizer.parameters(),
               [&](const std::string& name) { return update.view(name); });
    update.check_unchanged();
  }
  moments.check_unchanged();
  return state;
}

}  // namespace unlearn::train
