#include "unlearn/run/weights.h"

#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/model/host_arena.h"
#include "unlearn/model/lora.h"
#include "unlearn/run/device.h"

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
  if (config.model.init == "pretrained") {
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

}  // namespace

std::optional<model::Adaptation> adaptation(const train::TrainConfig& train) {
  if (train.lora_rank == 0) return std::nullopt;
  return model::Adaptation{lora_options(train), train.base_format()};
}

std::shared_ptr<model::CausalLM> load_model(const RunConfig& config, const PreparedRun& run) {
  auto model = base_weights(config, run);
  model->set_masked_token(run.masked_token);
  if (!config.model.adapter.empty()) model::merge_adapter(*model, config.model.adapter);
  if (config.train.lora_rank > 0) {
    model::add_lora(*model, lora_options(config.train));
    log::info("LoRA: ", count_trainable(*model), " trainable parameters");
  }
  model::trim_host_memory();
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
  const torch::Dtype saved = config.model.save_dtype == "auto"
                                 ? run.dtype
                                 : resolve_dtype(config.model.save_dtype, run.device);
  source.save(model, folder.model(), saved, checkpoint::kLargestShard, /*replace=*/true);
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
