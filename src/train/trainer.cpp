#include "unlearn/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <limits>

#include "train/free_gradients.h"
#include "train/gradient_exchange.h"
#include "train/gradient_step.h"
#include "train/run_stream.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/core/pattern.h"
#include "unlearn/runtime/read_later.h"
#include "unlearn/train/signals.h"

namespace unlearn::train {
namespace {

// torch.nn.utils.clip_grad_norm_ adds this to the norm.
constexpr double kClipEpsilon = 1e-6;

// Parameters that are trained; with patterns, only those whose whole name matches one (the others
// lose their gradient).
NamedTensors trainable(const model::CausalLM& model, const std::vector<std::string>& patterns) {
  NamedTensors parameters;
  const std::vector<Pattern> chosen = make_patterns(patterns, "method.trainable_params_regex");
  for (const auto& item : model.named_parameters()) {
    torch::Tensor parameter = item.value();
    if (!chosen.empty() && !any_matches(chosen, item.key())) parameter.set_requires_grad(false);
    if (parameter.requires_grad()) parameters.emplace_back(item.key(), parameter);
  }
  UNLEARN_CHECK(!parameters.empty(), "nothing to train");
  return parameters;
}

// What gradients of this norm (a number in fp64, which stays where it is) are multiplied by; NaN
// where it is not finite. `max_norm` 0: no clipping.
torch::Tensor clip_scale(const torch::Tensor& norm, double max_norm) {
  const torch::Tensor one = torch::ones_like(norm);
  const torch::Tensor scale =
      max_norm > 0 ? (torch::full_like(norm, max_norm) / (norm + kClipEpsilon)).clamp_max_(1.0)
                   : one;
  return torch::where(torch::isfinite(norm), scale, one * std::numeric_limits<double>::quiet_NaN());
}

std::unique_ptr<Optimizer> start_optimizer(const TrainerInputs& inputs) {
  auto optimizer = make_chosen(optimizers(), inputs.config.optimizer);
  NamedTensors parameters = trainable(*inputs.model, inputs.loss->needs().trainable);
  optimizer->start(
      {std::move(parameters), optimizer->shards(), inputs.group->rank(), inputs.group->size()},
      optimizer_options(inputs.config, *optimizer),
      [&](const std::string& name) { return inputs.model->is_decayed(name); });
  return optimizer;
}

}  // namespace

losses::ModelFacts model_facts(const model::ModelDims& dims, const TrainConfig& config) {
  return {.hidden_size = dims.hidden_size,
          .num_layers = dims.num_layers,
          .vocab_size = dims.vocab_size,
          .seed = static_cast<uint64_t>(config.seed)};
}

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
      plan_(plan_steps(inputs_.config, count_rows(inputs_.data.forget))),
      stream_(stream_options(inputs_)),
      optimizer_(start_optimizer(inputs_)),
      update_(make_chosen(updates(), inputs_.config.update)) {
  check_update(inputs_.config, *inputs_.loss);
  inputs_.model->set_recompute(inputs_.config.recompute.value_or(model::Recompute::kNone));
  if (inputs_.config.free_gradients) free_gradients_ = std::make_unique<FreeGradients>(*optimizer_);
  if (inputs_.group->size() > 1) {
    exchange_ = std::make_unique<GradientExchange>(optimizer_->parameters(), *inputs_.group);
  }
  update_->start(optimizer_->parameters(), static_cast<uint64_t>(inputs_.config.seed));
}

Trainer::~Trainer() = default;

torch::Device Trainer::device() const { return inputs_.model->parameters().front().device(); }

void Trainer::resume_from(int64_t checkpoint_step) {
  resume_from(CheckpointPlace{folder_.checkpoint(checkpoint_step), inputs_.fingerprint});
}

void Trainer::resume_from(const CheckpointPlace& place) {
  const TrainingState state = read_checkpoint(place, {*optimizer_, update_->state()});
  step_ = state.step;
  stream_.set_cursor(state.stream_position);
  try {
    inputs_.loss->load_state(state.loss_state);
  } catch (const Json::exception&) {
    user_error(place.folder.string(), "/state.json: loss_state is none of this method's");
  }
  if (inputs_.group->leads()) folder_.truncate_metrics(step_);
  log::info("resumed after step ", step_, " of ", plan_.total);
}

void Trainer::save_checkpoint() {
  if (!folder_.keeps_files()) return;
  std::vector<int64_t> spared;
  if (hooks_.kept_step && inputs_.group->leads()) {
    if (const auto step = hooks_.kept_step()) spared.push_back(*step);
  }
  checkpoints_.write(folder_.checkpoint(step_), {*optimizer_, update_->state()},
                     {.step = step_,
                      .stream_position = stream_.cursor(),
                      .metrics = inputs_.group->leads() ? folder_.mark_metrics() : MetricsMark(),
                      .loss_state = inputs_.loss->save_state(),
                      .fingerprint = inputs_.fingerprint},
                     *inputs_.group, [this, spared] {
                       folder_.prune_checkpoints(inputs_.config.checkpoints_kept(), spared);
                     });
}

void Trainer::save_method_state() const {
  if (!inputs_.group->leads()) return;
  const Json state = inputs_.loss->save_state();
  if (!state.empty()) folder_.write("method_state.json", state.dump() + "\n");
}

void Trainer::update_weights(StepRecord& record) {
  const distributed::Group& group = *inputs_.group;
  std::string nonfinite;
  if (free_gradients_) {
    // The pass has applied all finite gradients already; a bad step is reported, never saved.
    const FreeGradients::Result result = free_gradients_->end_step();
    record.grad_norm = result.gradient_norm;
    nonfinite = result.first_nonfinite;
  } else {
    torch::Tensor norm = optimizer_->parameters().gradient_norm();
    if (exchange_) {
      const auto own = norm.item<double>();
      norm.fill_(std::sqrt(group.all_reduce(own * own)));
    }
    // The update is queued before anything waits for the norm, and is not waited for; where the
    // norm is not finite, it changes nothing.
    const runtime::ReadLater known(norm);
    optimizer_->step(record.lr, clip_scale(norm, inputs_.config.max_grad_norm));
    record.grad_norm = known.get().item<double>();
    if (!std::isfinite(record.grad_norm)) {
      nonfinite = group.first_text(optimizer_->parameters().first_nonfinite_gradient()).text;
    }
  }
  if (!std::isfinite(record.grad_norm)) {
    std::vector<std::string> names;
    for (const auto& [name, value] : record.terms) names.push_back(name);
    // Each may be finite and the sum of their squares not.
    const std::string what = nonfinite.empty() ? "norm" : cat("of '", nonfinite, "'");
    group.all_or_none([&] {
      throw NonFiniteError(cat("step ", record.step, ": the gradient ", what,
                               " is not finite (terms ", join(names, ", "), "; forget rows ",
                               Json(record.forget_rows).dump(), "); nothing past step ",
                               record.step - 1, " is saved"));
    });
  }
  if (free_gradients_) return;
  optimizer_->parameters().clear_gradients();
  if (exchange_) exchange_->share_weights();
}

double Trainer::epochs_before(int64_t position) const {
  const int64_t rows = stream_.epoch_length();
  if (plan_.begins.empty()) return static_cast<double>(position) / static_cast<double>(rows);
  // The Hugging Face Trainer's callbacks look when an epoch has ended; its state then counts up to
  // the last update.
  const int64_t epoch_end = position / rows * rows;
  const auto next = std::upper_bound(plan_.begins.begin(), plan_.begins.end(), epoch_end);
  return plan_.epochs.at(static_cast<size_t>(next - plan_.begins.begin()) - 1);
}

std::vector<double> Trainer::means_of_epoch(int64_t end) const {
  std::vector<data::PairItem> items;
  for (int64_t p = std::max<int64_t>(0, end - stream_.epoch_length()); p < end; ++p) {
    items.push_back(stream_.at(p));
  }
  return evaluate_terms(inputs_, cut_items(inputs_, device(), inputs_.group->size(), items));
}

void Trainer::observe_epoch() {
  if (!inputs_.loss->needs().epoch_means) return;
  const int64_t end = stream_.cursor();
  const bool has_ended =
      plan_.begins.empty() ? step_ % plan_.per_epoch == 0 : end % stream_.epoch_length() == 0;
  if (!has_ended) return;
  const std::vector<double> means = means_of_epoch(end);
  inputs_.loss->observe_epoch(means, epochs_before(end));
}

// The weights are those of the epoch's end until the step is done; a step that is averaged as a
// whole has the same terms throughout.
void Trainer::end_epoch_inside(StepCut& cut, int64_t end) const {
  if (!inputs_.loss->needs().epoch_means) return;
  const size_t before = inputs_.config.averaging == Averaging::kExact ? 0 : cut.next_epoch;
  cut.epoch_end = StepCut::EpochEnd{before, means_of_epoch(end), epochs_before(end)};
}

StepRecord Trainer::do_step() {
  const auto start = std::chrono::steady_clock::now();
  StepRecord record;
  record.step = step_ + 1;
  record.lr = learning_rate(inputs_.config, plan_, step_);
  const int64_t begin = plan_.begin_of(step_);
  UNLEARN_CHECK(stream_.cursor() == begin);
  const std::vector<data::PairItem> items = stream_.take(plan_.begin_of(step_ + 1) - begin);
  for (const data::PairItem& item : items) {
    if (inputs_.data.is_empty(item)) continue;
    record.forget_rows.push_back(inputs_.data.find(data::Role::kForget, item.forget)->row);
    if (const auto* retain = inputs_.data.find(data::Role::kRetain, item.retain)) {
      record.retain_rows.push_back(retain->row);
    }
  }
  const size_t next_epoch = epoch_break(plan_, stream_.epoch_length(), step_);
  record.epoch =
      static_cast<double>(stream_.cursor()) / static_cast<double>(stream_.epoch_length());
  if (record.forget_rows.empty()) {
    pass_empty_step(record, next_epoch > 0 ? begin + static_cast<int64_t>(next_epoch) : 0);
    return record;
  }
  StepCut cut = cut_items(inputs_, device(), inputs_.group->size(), items, next_epoch);
  if (plan_.accumulation > 0 && inputs_.config.averaging != Averaging::kExact) {
    cut.accumulation = plan_.accumulation;
  }
  check_shares(inputs_.config, cut);
  if (free_gradients_) {
    check_not_cut(static_cast<int64_t>(cut.micro_batches.size()));
    free_gradients_->begin_step(record.lr);
  }
  const int64_t last_epoch = begin + static_cast<int64_t>(next_epoch);
  if (next_epoch > 0) end_epoch_inside(cut, last_epoch);
  StepExamplesLoss loss(inputs_, cut, record.step,
                        {epochs_before(begin), epochs_before(last_epoch)});
  StepWeights weights(*optimizer_, exchange_.get(), *inputs_.group, record.step);
  update_->make_gradient(loss, weights);
  const StepMeans means = loss.finish();
  record.loss = means.loss;
  record.terms = means.terms;
  record.diagnostics = means.diagnostics;
  record.tokens = means.tokens;
  record.forget_logprob = means.forget_logprob;
  update_weights(record);
  record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return record;
}

void Trainer::pass_empty_step(StepRecord& record, int64_t epoch_end) {
  record.loss = std::numeric_limits<double>::quiet_NaN();
  if (epoch_end == 0 || !inputs_.loss->needs().epoch_means) return;
  inputs_.loss->observe_epoch(means_of_epoch(epoch_end), epochs_before(epoch_end));
}

AfterStep Trainer::ask_after_step() const {
  if (!hooks_.after_step) return AfterStep::kContinue;
  const AfterStep own = hooks_.after_step(step_);
  const std::vector<double> wishes =
      inputs_.group->all_reduce({stops(own) ? 1.0 : 0.0, keeps(own) ? 1.0 : 0.0});
  if (wishes[1] == 0) return wishes[0] > 0 ? AfterStep::kStop : AfterStep::kContinue;
  return wishes[0] > 0 ? AfterStep::kKeepAndStop : AfterStep::kKeep;
}

void Trainer::run() {
  const SignalWatch watch;
  const SaveSteps saves(inputs_.config, plan_, stream_.epoch_length());
  save_method_state();
  if (exchange_) exchange_->start();
  while (step_ < plan_.total) {
    inputs_.model->train();  // an evaluation between steps switches to eval()
    const StepRecord record = do_step();
    step_ = record.step;
    observe_epoch();
    if (inputs_.group->leads()) folder_.append_metrics(record.to_json());
    if (hooks_.on_step) hooks_.on_step(record, plan_.total);
    // One process may have received a signal, or all.
    constexpr double kSave = 1e6;  // more than the stops of all processes add up to
    const double received = inputs_.group->all_reduce(
        SignalWatch::received() + (SignalWatch::take_save_request() ? kSave : 0));
    const bool stopping = std::fmod(received, kSave) != 0;
    const bool is_saved = stopping || received >= kSave || saves.after(step_);
    if (is_saved) save_checkpoint();
    if (stopping) {
      checkpoints_.wait();
      inputs_.group->barrier();  // nobody leaves before the checkpoint is there
      const int own = SignalWatch::received();
      throw Interrupted(own != 0 ? own : SIGTERM);
    }
    const AfterStep wish = ask_after_step();
    const bool is_wanted = keeps(wish) || (stops(wish) && saves.any());
    if (is_wanted && !is_saved) save_checkpoint();
    if (stops(wish)) break;
  }
  checkpoints_.wait();
  save_method_state();
}

}  // namespace unlearn::train
