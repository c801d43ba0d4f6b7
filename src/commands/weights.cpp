#include "commands/weights.h"

#include "commands/device.h"
#include "unlearn/core/log.h"
#include "unlearn/model/lora.h"

namespace unlearn::commands {
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

std::shared_ptr<model::CausalLM> load_weights(const RunConfig& config, const PreparedRun& run) {
  auto model = base_weights(config, run);
  if (!config.model.adapter.empty()) model::merge_adapter(*model, config.model.adapter);
  if (config.train.lora_rank > 0) {
    model::add_lora(*model, lora_options(config.train));
    log::info("LoRA: ", count_trainable(*model), " trainable parameters");
  }
  return model;
}

fs::path save_weights(const RunConfig& config, const PreparedRun& run,
                      const model::ModelSource& source, const train::RunFolder& folder,
                      model::CausalLM& model) {
  const bool lora = config.train.lora_rank > 0;
  const fs::path adapter = folder.path() / "adapter";
  // A run that was stopped before it said that it is done writes its folders again.
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

}  // namespace unlearn::commands
