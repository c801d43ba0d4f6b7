#include "unlearn/train/train_config.h"

#include <algorithm>
#include <limits>

#include "unlearn/config/interval.h"
#include "unlearn/config/nested_fields.h"
#include "unlearn/core/error.h"
#include "unlearn/model/weight_format.h"
#include "unlearn/train/optimizer.h"
#include "unlearn/train/update_rule.h"

namespace unlearn::train {
namespace {

// Whether the optimizer has the memory modes that are asked for.
void check_modes(const TrainConfig& config) {
  const auto optimizer = make_chosen(optimizers(), config.optimizer);
  optimizer->check();
  const OptimizerModes modes = optimizer->modes();
  const auto check = [&](const char* key, const auto& table, const auto& value, const auto& known) {
    if (!value || std::find(known.begin(), known.end(), *value) != known.end()) return;
    std::vector<std::string> names;
    for (const auto& item : known) names.push_back(config::name_in(table, item));
    user_error("train.", key, ": ", config.optimizer.name, " has only ", join(names, ", "),
               ", not '", config::name_in(table, value), "'");
  };
  check("master", kMasters, config.master, modes.masters);
  check("state_bits", kStateBits, config.state_bits, modes.state_bits);
}

}  // namespace

void TrainConfig::visit(config::FieldVisitor& v) {
  v.field("epochs", epochs,
          {.help = "passes over the forget rows", .min = 0, .max = 1e6, .exclusive_min = true});
  v.field("max_steps", max_steps, {.help = "stop after this many optimizer steps", .min = 1});
  v.field("batch_size", batch_size,
          {.help = "forget examples per optimizer step", .min = 1, .max = 1 << 20});
  v.field("step_count", step_count, kStepCounts,
          {.help = "stream: epochs x rows / batch_size steps; trainer: the Hugging Face Trainer's, "
                   "whole accumulations per epoch only"});
  v.field("batch_tokens", batch_tokens,
          {.help = "input tokens per micro-batch; never changes the result under averaging: exact",
           .min = 1,
           .unset_word = "auto"});
  v.field(
      "micro_batch_size", micro_batch_size,
      {.help = "forget examples per micro-batch instead of a token budget (needed by averaging: "
               "micro_batch_mean)",
       .min = 1});
  v.field("lr", lr, {.help = "peak learning rate", .min = 0, .max = 10});
  v.field("warmup_epochs", warmup_epochs,
          {.help = "epochs of linear warm-up from 0", .min = 0, .max = 1e6});
  v.field("warmup_steps", warmup_steps,
          {.help = "steps of linear warm-up; wins over warmup_epochs", .min = 0});
  v.field("schedule", schedule, kSchedules, {.help = "learning rate after the warm-up"});
  v.field("weight_decay", weight_decay,
          {.help = "decoupled decay of weight matrices (not of biases and norms)", .min = 0});
  v.field("max_grad_norm", max_grad_norm,
          {.help = "clip the global gradient norm at this; 0: no clipping", .min = 0});
  v.field("optimizer", optimizer.name,
          {.help = "what turns gradients into weights (unlearn list optimizers)",
           .choices = names_of(optimizers())});
  visit_chosen(optimizers(), optimizer, v);
  v.field("update.name", update.name,
          {.help = "how a step's gradient is made (unlearn list updates); its own settings stand "
                   "beside the name",
           .choices = names_of(updates())});
  config::NestedFields own(v, "update");
  visit_chosen(updates(), update, own);
  v.field(
      "master", master, kMasters,
      {.help = "fp32 master of bfloat16 weights: split keeps it exactly as bf16 + int16, sr keeps "
               "none and rounds updates at random, none rounds them to nearest (small ones "
               "vanish)"});
  v.field("state_bits", state_bits, kStateBits,
          {.help = "bits of the optimizer's state; auto: 32 where they fit, else 8"});
  v.field("recompute", recompute, kRecomputes,
          {.help = "activations recomputed in the backward pass: none, selective (feed-forward "
                   "parts) or full (blocks); never changes the result; auto: as little as fits"});
  v.field("gradient_sum", gradient_sum, kGradientSums,
          {.help = "what a bfloat16 model's gradients are added up in over a step's micro-batches: "
                   "model (bfloat16: rounded at every addition) or fp32 (rounded once, 2 bytes a "
                   "parameter more); auto: fp32 from 4 micro-batches on, where it fits"});
  v.field(
      "fp8", fp8, kFp8s,
      {.help = "on: linear layers of a bfloat16 model multiply 8-bit numbers (e4m3), forward and "
               "for their inputs' gradients; those of the weights and the head stay in bfloat16"});
  v.field("free_gradients", free_gradients,
          {.help = "apply and free each gradient during the backward pass (one micro-batch per "
                   "step, no clipping)"});
  v.field("memory_gib", memory_gib,
          {.help = "GiB that the run may take; a plan that needs more is refused; with --dry-run "
                   "--device cuda no GPU need be here; auto: what the device has free",
           .min = 0,
           .max = 1e9,
           .exclusive_min = true,
           .unset_word = "auto"});
  v.field("seed", seed, {.help = "seed of data order and pairing", .min = 0});
  v.field("shuffle", shuffle, {.help = "false: file order and cyclic pairing"});
  v.field("averaging", averaging, kAveragings,
          {.help = "exact: means over the whole step; micro_batch_mean: mean of micro-batch means, "
                   "as the Hugging Face Trainer"});
  v.field(
      "save_every", save_every,
      {.help = "checkpoints: every epoch, never, every N steps (a number), or first_use: before "
               "every step of the first epoch, for unlearn remove (first_use:N: before N equal "
               "parts of it), and then every epoch"});
  v.field("keep", keep,
          {.help = "checkpoints kept: all, last, or how many of the newest; best: the newest and "
                   "the best one by train.stop.forget, which is what the run saves at its end"});
  v.field("stop.forget", stop_forget,
          {.help = "end the training when an evaluation (eval.every) reaches this: 'METRIC <= X', "
                   "also <, >= and >"});
  v.field("stop.damage", stop_damage,
          {.help = "end it when an evaluation shows this damage: 'METRIC < X', also <=, >= and >"});
  v.field("log_every", log_every, {.help = "steps between log lines", .min = 1});
  v.field("deterministic", deterministic, kDeterminisms,
          {.help = "full: bit-reproducible on CUDA too"});
  v.field("compat", compat, {.help = "names of reference quirks to reproduce"});
  v.field("lora.rank", lora_rank, {.help = "0: all weights are trained", .min = 0, .max = 4096});
  v.field("lora.alpha", lora_alpha, {.help = "LoRA scale = alpha / rank", .min = 0});
  v.field("lora.dropout", lora_dropout, {.help = "dropout before A", .min = 0, .max = 0.999});
  v.field("lora.targets", lora_targets,
          {.help = "all-linear (but the head), layer names with commas between them, or a regular "
                   "expression that matches a layer's whole name"});
  v.field("lora.merge", lora_merge, {.help = "also write the merged model"});
  std::vector<config::Named<const model::WeightFormat*>> formats = {{nullptr, "none"}};
  for (const model::WeightFormat& format : model::weight_formats()) {
    formats.push_back({&format, format.name});
  }
  v.field(
      "lora.base_format", lora_base_format, formats,
      {.help = "keep the frozen linear layers in this format of few bits; none: in model.dtype, "
               "or what base_bits says"});
  v.field("lora.base_bits", lora_base_bits,
          {.help = "the same by a number: 8 is int8, 4 is nf4 (double quantisation); 0: in "
                   "model.dtype",
           .min = 0,
           .max = 8});
}

void TrainConfig::check() const {
  check_modes(*this);
  if (averaging == Averaging::kMicroBatchMean && !micro_batch_size) {
    user_error(
        "train.averaging: micro_batch_mean needs train.micro_batch_size (the reference's "
        "per-device batch size)");
  }
  if (counts_as_trainer() && micro_batch_size && batch_size % *micro_batch_size != 0) {
    user_error("train.micro_batch_size: step_count: trainer accumulates whole micro-batches; ",
               *micro_batch_size, " does not divide train.batch_size, ", batch_size);
  }
  if (free_gradients && max_grad_norm > 0) {
    user_error(
        "train.free_gradients: clipping needs all gradients at once; set train.max_grad_norm: 0");
  }
  if (fp8 == Fp8::kOn && lora_rank > 0) {
    user_error("train.fp8: belongs to full training; unset it, or train.lora.rank");
  }
  const model::WeightFormat* format = base_format();
  if (format != nullptr && lora_rank == 0) {
    user_error("train.lora.", lora_base_bits != 0 ? "base_bits" : "base_format", ": a base in ",
               format->bits, " bits cannot be trained itself; set train.lora.rank above 0");
  }
  checkpoint_interval(1);
  checkpoints_kept();
  if (keeps_best() && stop_forget.empty()) {
    user_error("train.keep: best needs train.stop.forget, which says what is best (for example ",
               "'forget_Q_A_Prob <= 0.1')");
  }
}

const model::WeightFormat* TrainConfig::base_format() const {
  const model::WeightFormat* by_bits =
      model::format_of_base_bits(lora_base_bits, "train.lora.base_bits");
  if (lora_base_format == nullptr) return by_bits;
  if (by_bits != nullptr && by_bits != lora_base_format) {
    user_error("train.lora.base_bits: ", lora_base_bits, " is ", by_bits->name,
               ", but train.lora.base_format says ", lora_base_format->name, "; set one of them");
  }
  return lora_base_format;
}

int64_t TrainConfig::checkpoint_interval(int64_t steps_per_epoch) const {
  if (first_use_blocks()) return std::max<int64_t>(1, steps_per_epoch);
  const std::optional<int64_t> steps = config::parse_interval(save_every, steps_per_epoch);
  if (!steps) {
    user_error("train.save_every: must be epoch, never, first_use, first_use:N or a number of ",
               "steps, not '", save_every, "'");
  }
  return *steps;
}

std::optional<int64_t> TrainConfig::first_use_blocks() const {
  const std::string word = "first_use";
  if (save_every == word) return std::numeric_limits<int64_t>::max();
  if (!save_every.starts_with(word + ":")) return std::nullopt;
  const std::string number = save_every.substr(word.size() + 1);
  return number == "never" || number == "epoch" ? std::nullopt : config::parse_interval(number, 1);
}

int64_t TrainConfig::checkpoints_kept() const {
  if (keep == "all") return std::numeric_limits<int64_t>::max();
  if (keep == "last" || keep == "best") return 1;
  const std::optional<int64_t> count =
      keep == "never" || keep == "epoch" ? std::nullopt : config::parse_interval(keep, 1);
  if (!count) {
    user_error("train.keep: must be all, last, best or a number from 1, not '", keep, "'");
  }
  return *count;
}

}  // namespace unlearn::train
