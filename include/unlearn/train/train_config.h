// The `train:` section.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "unlearn/config/fields.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/runtime/adamw.h"
#include "unlearn/train/choice.h"

namespace unlearn::model {
struct WeightFormat;
}

namespace unlearn::train {

using kernels::Master;

// How the optimizer steps of a run are counted: plan_steps().
enum class StepCount : uint8_t { kStream, kTrainer };
inline constexpr config::Named<StepCount> kStepCounts[] = {{StepCount::kStream, "stream"},
                                                           {StepCount::kTrainer, "trainer"}};

// The learning rate after the warm-up: learning_rate().
enum class Schedule : uint8_t { kLinear, kCosine, kConstant };
inline constexpr config::Named<Schedule> kSchedules[] = {{Schedule::kLinear, "linear"},
                                                         {Schedule::kCosine, "cosine"},
                                                         {Schedule::kConstant, "constant"}};

// What a step's means are over: all of its examples, or each micro-batch, whose means are then
// averaged (as the Hugging Face Trainer does).
enum class Averaging : uint8_t { kExact, kMicroBatchMean };
inline constexpr config::Named<Averaging> kAveragings[] = {
    {Averaging::kExact, "exact"}, {Averaging::kMicroBatchMean, "micro_batch_mean"}};

// kFull: bit-reproducible on CUDA too.
enum class Determinism : uint8_t { kAuto, kFull };
inline constexpr config::Named<Determinism> kDeterminisms[] = {{Determinism::kAuto, "auto"},
                                                               {Determinism::kFull, "full"}};

// The memory modes; unset: chosen by the memory plan.
inline constexpr config::Named<std::optional<Master>> kMasters[] = {{std::nullopt, "auto"},
                                                                    {Master::kSplit, "split"},
                                                                    {Master::kStochastic, "sr"},
                                                                    {Master::kRounded, "none"}};
inline constexpr config::Named<std::optional<int64_t>> kStateBits[] = {
    {std::nullopt, "auto"}, {32, "32"}, {16, "16"}, {8, "8"}};
inline constexpr config::Named<std::optional<model::Recompute>> kRecomputes[] = {
    {std::nullopt, "auto"},
    {model::Recompute::kNone, "none"},
    {model::Recompute::kSelective, "selective"},
    {model::Recompute::kFull, "full"}};

// What the gradients of a step's micro-batches are added up in: the model's dtype, or fp32 where
// that is bf16.
enum class GradientSum : uint8_t { kModel, kFloat32 };
inline constexpr config::Named<std::optional<GradientSum>> kGradientSums[] = {
    {std::nullopt, "auto"}, {GradientSum::kModel, "model"}, {GradientSum::kFloat32, "fp32"}};

enum class Fp8 : uint8_t { kOff, kOn };
inline constexpr config::Named<Fp8> kFp8s[] = {{Fp8::kOff, "off"}, {Fp8::kOn, "on"}};

struct TrainConfig {
  double epochs = 10;
  std::optional<int64_t> max_steps;  // stops earlier than epochs would
  int64_t batch_size = 32;           // forget examples per optimizer step
  StepCount step_count = StepCount::kStream;
  std::optional<int64_t> batch_tokens;      // input tokens per micro-batch; unset: chosen by device
  std::optional<int64_t> micro_batch_size;  // forget examples per micro-batch instead of a budget
  double lr = 1e-5;
  std::optional<double> warmup_epochs = 1;
  std::optional<int64_t> warmup_steps;  // wins over warmup_epochs
  Schedule schedule = Schedule::kLinear;
  double weight_decay = 0.01;
  double max_grad_norm = 1.0;  // 0: no clipping
  Choice optimizer = {.name = "adamw"};
  Choice update = {.name = "plain"};  // how a step's gradient is made
  std::optional<Master> master;       // of bfloat16 weights
  std::optional<int64_t> state_bits;
  std::optional<model::Recompute> recompute;
  std::optional<GradientSum> gradient_sum;
  Fp8 fp8 = Fp8::kOff;  // the linear layers' products: model::use_fp8()
  bool free_gradients = false;
  std::optional<double> memory_gib;  // what the run may take; unset: what is free
  int64_t seed = 42;
  bool shuffle = true;
  Averaging averaging = Averaging::kExact;
  std::string save_every = "epoch";  // "first_use", "first_use:N", or config::parse_interval
  std::string keep = "2";            // "all", "last", "best" or how many of the newest
  std::string stop_forget;           // "METRIC <= X": reached, and the training ends; "": never
  std::string stop_damage;           // "METRIC < X": passed, and the training ends; "": never
  int64_t log_every = 1;
  Determinism deterministic = Determinism::kAuto;
  std::vector<std::string> compat;
  int64_t lora_rank = 0;
  double lora_alpha = 32;
  double lora_dropout = 0.0;
  std::string lora_targets = "all-linear";
  bool lora_merge = false;
  // The frozen base by its format or by its number of bits; null and 0: in model.dtype.
  const model::WeightFormat* lora_base_format = nullptr;
  int64_t lora_base_bits = 0;

  bool counts_as_trainer() const { return step_count == StepCount::kTrainer; }

  void visit(config::FieldVisitor& visitor);
  // The frozen base's format, null where it stays in model.dtype.
  const model::WeightFormat* base_format() const;
  // What fields alone cannot say; UserError names the key.
  void check() const;
  // Steps between checkpoints: 0 = never. With first_use those of the epochs after the first.
  int64_t checkpoint_interval(int64_t steps_per_epoch) const;
  // With first_use: the blocks of steps of the first epoch that a checkpoint lies before.
  std::optional<int64_t> first_use_blocks() const;
  // Of the newest checkpoints, how many stay.
  int64_t checkpoints_kept() const;
  bool keeps_best() const { return keep == "best"; }
  bool stops() const { return !stop_forget.empty() || !stop_damage.empty(); }
};

}  // namespace unlearn::train
