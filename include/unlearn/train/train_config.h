// The `train:` section.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "unlearn/config/fields.h"
#include "unlearn/train/choice.h"

namespace unlearn::model {
struct WeightFormat;
}

namespace unlearn::train {

struct TrainConfig {
  double epochs = 10;
  std::optional<int64_t> max_steps;         // stops earlier than epochs would
  int64_t batch_size = 32;                  // forget examples per optimizer step
  std::string step_count = "stream";        // or "trainer": plan_steps()
  std::optional<int64_t> batch_tokens;      // input tokens per micro-batch; unset: chosen by device
  std::optional<int64_t> micro_batch_size;  // forget examples per micro-batch instead of a budget
  double lr = 1e-5;
  std::optional<double> warmup_epochs = 1;
  std::optional<int64_t> warmup_steps;  // wins over warmup_epochs
  std::string schedule = "linear";
  double weight_decay = 0.01;
  double max_grad_norm = 1.0;  // 0: no clipping
  Choice optimizer = {.name = "adamw"};
  Choice update = {.name = "plain"};  // how a step's gradient is made
  std::string master = "auto";
  std::string state_bits = "auto";
  std::string recompute = "auto";
  bool free_gradients = false;
  std::optional<double> memory_gib;  // what the run may take; unset: what is free
  int64_t seed = 42;
  bool shuffle = true;
  std::string averaging = "exact";
  std::string save_every = "epoch";  // "epoch", "never" or a number of steps
  int64_t keep = 2;                  // checkpoints kept
  int64_t log_every = 1;
  std::string deterministic = "auto";
  std::vector<std::string> compat;
  int64_t lora_rank = 0;
  double lora_alpha = 32;
  double lora_dropout = 0.0;
  std::string lora_targets = "all-linear";
  bool lora_merge = false;
  // The frozen base by its format's name or by its number of bits (0: model.dtype).
  std::string lora_base_format = "none";
  int64_t lora_base_bits = 0;

  bool counts_as_trainer() const { return step_count == "trainer"; }

  void visit(config::FieldVisitor& visitor);
  // The frozen base's format, null where it stays in model.dtype.
  const model::WeightFormat* base_format() const;
  // What fields alone cannot say; UserError names the key.
  void check() const;
  // Steps between checkpoints: 0 = never.
  int64_t checkpoint_interval(int64_t steps_per_epoch) const;
};

}  // namespace unlearn::train
