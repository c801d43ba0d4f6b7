#include "unlearn/train/trainer.h"

#include <chrono>
#include <cmath>
#include <set>

#include "train/gradient_step.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/train/checkpoint.h"
#include "unlearn/train/signals.h"

namespace unlearn::train {
namespace {

// torch.nn.utils.clip_grad_norm_ adds this to the norm.
constexpr double kClipEpsilon = 1e-6;

int64_t rows_of(const std::vector<data::Example>* examples) {
  return examples == nullptr ? 0 : static_cast<int64_t>(examples->size());
}

data::PairStreamOptions stream_options(const TrainerInputs& inputs) {
  return {.num_forget = rows_of(inputs.data.forget),
          .num_retain = rows_of(inputs.data.retain),
          .num_alternate = rows_of(inputs.data.alternate),
          .alternate_per_forget = inputs.alternate_per_forget,
          .pairing = inputs.pairing,
          .shuffle = inputs.config.shuffle,
          .seed = static_cast<uint64_t>(inputs.config.seed)};
}

NamedTensors trainable(const model::CausalLM& model) {
  NamedTensors parameters;
  for (const auto& item : model.named_parameters()) {
    if (item.value().requires_grad()) parameters.emplace_back(item.key(), item.value());
  }
  return parameters;
}

AdamWOptions adamw_options(const TrainConfig& config) {
  return {.beta1 = config.beta1,
          .beta2 = config.beta2,
          .epsilon = config.epsilon,
          .weight_decay = config.weight_decay,
          .split_master = config.master != "none"};
}

void add_rows(const TrainingData& data, data::Role role, const std::set<int64_t>& rows,
              std::vector<const data::Example*>& examples) {
  for (const int64_t row : rows) {
    if (const data::Example* example = data.find(role, row)) examples.push_back(example);
  }
}

}  // namespace

scoring::ReferenceNeeds reference_needs(const TrainerInputs& inputs) {
  const losses::Needs needs = inputs.loss->needs();
  scoring::ReferenceNeeds result;
  result.hidden_positions = needs.retain_row_positions;
  const bool rows = needs.retain_rows != scoring::RowFunction::kNone;
  if (!needs.reference_forget && !needs.reference_alternate && !rows) return result;
  std::set<int64_t> forget, retain, alternate;
  const data::PairStream stream(stream_options(inputs));
  const StepPlan plan = plan_steps(inputs.config, rows_of(inputs.data.forget));
  for (int64_t p = 0; p < plan.total * inputs.config.batch_size; ++p) {
    const data::PairItem item = stream.at(p);
    forget.insert(item.forget);
    retain.insert(item.retain);
    alternate.insert(item.alternate);
  }
  if (needs.reference_forget) add_rows(inputs.data, data::Role::kForget, forget, result.logp);
  if (needs.reference_alternate) {
    add_rows(inputs.data, data::Role::kAlternate, alternate, result.logp);
  }
  if (rows) add_rows(inputs.data, data::Role::kRetain, retain, result.hidden);
  return result;
}

int64_t default_batch_tokens(torch::Device device) { return device.is_cuda() ? 8192 : 2048; }

Json StepRecord::to_json() const {
  Json json = {{"step", step}, {"epoch", epoch}, {"loss", loss}};
  for (const auto& [name, value] : terms) json[name + "_loss"] = value;
  json["lr"] = lr;
  json["grad_norm"] = grad_norm;
  json["forget_ids"] = forget_rows;
  json["retain_ids"] = retain_rows;
  json["tokens"] = tokens;
  json["seconds"] = seconds;
  for (const auto& [name, value] : diagnostics) json[name] = value;
  return json;
}

Trainer::Trainer(TrainerInputs inputs, RunFolder& folder, TrainerHooks hooks)
    : inputs_(std::move(inputs)),
      folder_(folder),
      hooks_(std::move(hooks)),
      plan_(plan_steps(inputs_.config, rows_of(inputs_.data.forget))),
      stream_(stream_options(inputs_)),
      optimizer_(trainable(*inputs_.model), adamw_options(inputs_.config),
                 [this](const std::string& name) { return inputs_.model->is_decayed(name); }) {}

void Trainer::resume_from(int64_t checkpoint_step) {
  const TrainingState state =
      read_checkpoint(folder_.checkpoint(checkpoint_step), optimizer_, inputs_.fingerprint);
  step_ = state.step;
  stream_.set_cursor(state.stream_position);
  inputs_.loss->load_state(state.loss_state);
  folder_.truncate_metrics(step_);
  log::info("resumed after step ", step_, " of ", plan_.total);
}

void Trainer::save_checkpoint() const {
  write_checkpoint(folder_.checkpoint(step_), optimizer_,
                   {.step = step_,
                    .stream_position = stream_.cursor(),
                    .loss_state = inputs_.loss->save_state(),
                    .fingerprint = inputs_.fingerprint});
  folder_.prune_checkpoints(inputs_.config.keep);
}

void Trainer::update_weights(StepRecord& record) {
  record.grad_norm = optimizer_.gradient_norm();
  if (!std::isfinite(record.grad_norm)) {
    std::vector<std::string> names;
    for (const auto& [name, value] : record.terms) names.push_back(name);
    throw NonFiniteError(cat("step ", record.step, ": the gradient of '",
                             optimizer_.first_nonfinite_gradient(), "' is not finite (terms ",
                             join(names, ", "), "; forget rows ", Json(record.forget_rows).dump(),
                             "); nothing past step ", record.step - 1, " is saved"));
  }
  double scale = 1.0;
  if (inputs_.config.max_grad_norm > 0) {
    scale = std::min(1.0, inputs_.config.max_grad_norm / (record.grad_norm + kClipEpsilon));
  }
  optimizer_.step(record.lr, scale);
  optimizer_.zero_gradients();
}

StepRecord Trainer::do_step() {
  const auto start = std::chrono::steady_clock::now();
  StepRecord record;
  record.step = step_ + 1;
  record.lr = learning_rate(inputs_.config, plan_, step_);
  const std::vector<data::PairItem> items = stream_.take(inputs_.config.batch_size);
  for (const data::PairItem& item : items) {
    record.forget_rows.push_back(inputs_.data.find(data::Role::kForget, item.forget)->row);
    if (const auto* retain = inputs_.data.find(data::Role::kRetain, item.retain)) {
      record.retain_rows.push_back(retain->row);
    }
  }
  const auto device = inputs_.model->parameters().front().device();
  const auto micro_batches =
      cut_step(group_items(items, inputs_.data),
               inputs_.config.batch_tokens.value_or(default_batch_tokens(device)),
               inputs_.config.micro_batch_size);
  const StepMeans means = accumulate_gradients(inputs_, micro_batches, record.step);
  record.loss = means.loss;
  record.terms = means.terms;
  record.diagnostics = means.diagnostics;
  record.tokens = means.tokens;
  record.epoch =
      static_cast<double>(stream_.cursor()) / static_cast<double>(stream_.epoch_length());
  update_weights(record);
  record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return record;
}

void Trainer::run() {
  const SignalWatch watch;
  const int64_t interval = inputs_.config.checkpoint_interval(plan_.per_epoch);
  while (step_ < plan_.total) {
    inputs_.model->train();  // an evaluation between steps switches to eval()
    const StepRecord record = do_step();
    step_ = record.step;
    folder_.append_metrics(record.to_json());
    if (hooks_.on_step) hooks_.on_step(record, plan_.total);
    const bool stopping = SignalWatch::received() != 0;
    if (stopping || (interval > 0 && (step_ % interval == 0 || step_ == plan_.total))) {
      save_checkpoint();
    }
    if (stopping) throw Interrupted(SignalWatch::received());
    if (hooks_.after_step) hooks_.after_step(step_);
  }
}

}  // namespace unlearn::train
