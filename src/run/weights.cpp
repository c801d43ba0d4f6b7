#include "unlearn/run/weights.h"

#include <algorithm>

#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/model/fp8.h"
#include "unlearn/model/lora.h"
#include "unlearn/run/device.h"
#include "unlearn/runtime/host_arena.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

model::LoraOptions lora_options(const train::TrainConfig& train) {
  return {.rank = train.lora_rank,
          .alpha = train.lora_alpha,
          .dropout = train.lora_dropout,
          .targets = train.lora_targets,
          .seed = static_cast<uint64_t>(train.seed)};
}

std::shared_ptr<model::CausalLM> base_weights(const RunConfig& config, const PreparedRun& run) {
  if (config.model.init == Init::kPretrained) {
    return model::load_model(config.model.path, run.dtype, run.device, config.train.base_format());
  }
  auto model = model::make_model(run.hf_config, static_cast<uint64_t>(config.train.seed));
  model->to(run.device, run.dtype);
  return model;
}

int64_t count_trainable(const model::CausalLM& model) {
  int64_t count = 0;
  for (const torch::Tensor& parameter : model.parameters()) {
    if (parameter.requires_grad()) count += parameter.numel();
  }
  return count;
}

// Of the weights that differ from those in the folder: how many still do when they are rounded.
struct Survivors {
  int64_t changed = 0;
  int64_t kept = 0;
};

Survivors count_survivors(const fs::path& folder, torch::Dtype rounded,
                          const model::CausalLM& model) {
  constexpr int64_t kSlice = int64_t{1} << 22;  // elements compared at a time
  const torch::NoGradGuard no_grad;
  const checkpoint::TensorStore before(folder);
  Survivors result;
  for (const auto& entry : model.named_parameters()) {
    const torch::Tensor now = entry.value().detach();
    if (!before.contains(entry.key())) continue;
    const torch::Tensor old = before.view(entry.key());
    if (old.sizes() != now.sizes()) continue;
    for (int64_t begin = 0; begin < now.numel(); begin += kSlice) {
      const int64_t end = std::min(begin + kSlice, now.numel());
      const torch::Tensor part = now.reshape({-1}).slice(0, begin, end);
      const torch::Tensor was =
          old.reshape({-1}).slice(0, begin, end).to(part.device(), part.scalar_type());
      const torch::Tensor changed = part.ne(was);
      result.changed += changed.sum().item<int64_t>();
      const torch::Tensor stored = part.to(rounded).to(part.scalar_type());
      result.kept += stored.ne(was).logical_and_(changed).sum().item<int64_t>();
    }
    before.release(entry.key());
  }
  return result;
}

bool is_rounded(const PreparedRun& run) {
  return run.saved_dtype != run.dtype &&
         torch::elementSize(run.saved_dtype) <= torch::elementSize(run.dtype);
}

// A small change of a weight may be less than the distance to the next number of few bits.
void report_rounding(const RunConfig& config, const PreparedRun& run,
                     const model::CausalLM& model) {
  if (!is_rounded(run) || config.model.init != Init::kPretrained) return;
  Survivors count;
  try {
    count = count_survivors(config.model.path, run.saved_dtype, model);
  } catch (const UserError&) {
    return;  // the folder is gone, and the model is saved nevertheless
  }
  if (count.changed == 0) return;
  const double share = static_cast<double>(count.kept) / static_cast<double>(count.changed);
  const std::string finding =
      cat("saved as ", config::name_in(kSavedDtypes, std::optional(run.saved_dtype)), ": ",
          number(100 * share, 3), " % of the ", count.changed, " changed weights keep a change");
  if (share < 0.5) {
    log::warn(finding, "; model.save_dtype: float32 keeps all (go on with --resume)");
  } else {
    log::info(finding);
  }
}

}  // namespace

bool round_as_saved(const PreparedRun& run, model::CausalLM& model) {
  if (!is_rounded(run)) return false;
  const torch::NoGradGuard no_grad;
  for (torch::Tensor& parameter : model.parameters()) {
    parameter.copy_(parameter.to(run.saved_dtype));
  }
  return true;
}

std::optional<model::Adaptation> adaptation(const train::TrainConfig& train) {
  if (train.lora_rank == 0) return std::nullopt;
  return model::Adaptation{lora_options(train), train.base_format()};
}

std::shared_ptr<model::CausalLM> load_model(const RunConfig& config, const PreparedRun& run) {
  auto model = base_weights(config, run);
  if (!config.model.adapter.empty()) model::merge_adapter(*model, config.model.adapter);
  if (config.train.lora_rank > 0) {
    model::add_lora(*model, lora_options(config.train));
    log::info("LoRA: ", count_trainable(*model), " trainable parameters");
  }
  if (config.train.fp8 == train::Fp8::kOn) {
    log::info("FP8: ", model::use_fp8(*model), " linear layers");
  }
  runtime::trim_host_memory();
  return model;
}

fs::path save_model(const RunConfig& config, const PreparedRun& run,
                    const model::ModelSource& source, const train::RunFolder& folder,
                    model::CausalLM& model) {
  const bool lora = config.train.lora_rank > 0;
  const fs::path adapter = folder.path() / "adapter";
  // A run that was stopped before its status was done writes its folders again.
  if (lora) {
    model::write_adapter(model, lora_options(config.train), config.model.path, adapter,
                         /*replace=*/true);
    if (!config.train.lora_merge) return adapter;
    model::merge_lora(model);
  }
  report_rounding(config, run, model);
  source.save(model, folder.model(), run.saved_dtype, checkpoint::kLargestShard, /*replace=*/true);
  return folder.model();
}

WeightSnapshot::WeightSnapshot(const model::CausalLM& model) {
  for (const auto& entry : model.named_parameters()) {
    if (!entry.value().requires_grad()) continue;
    values_.emplace_back(entry.key(), entry.value().detach().to(torch::kCPU, /*non_blocking=*/false,
                                                                /*copy=*/true));
  }
}

void WeightSnapshot::restore(model::CausalLM& model) const {
  const torch::NoGradGuard no_grad;
  auto parameters = model.named_parameters();
  for (const auto& [name, value] : values_) {
    torch::Tensor* parameter = parameters.find(name);
    UNLEARN_CHECK(parameter != nullptr && parameter->sizes() == value.sizes(), name);
    parameter->copy_(value);
    parameter->set_requires_grad(true);  // a method may have trained some of them only
  }
}

}  // namespace unlearn::run
