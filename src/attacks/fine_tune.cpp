#include "attacks/fine_tune.h"

#include <algorithm>

#include "unlearn/core/error.h"
#include "unlearn/core/rng.h"
#include "unlearn/losses/loss.h"
#include "unlearn/model/lora.h"
#include "unlearn/train/signals.h"
#include "unlearn/train/trainer.h"

namespace unlearn::attacks {
namespace {

// A backward pass costs about two forward passes.
constexpr double kPassesPerStep = 3;

train::TrainConfig training_of(const FineTuning& tuning, uint64_t seed) {
  train::TrainConfig config;
  config.batch_size = std::min(tuning.batch_size, static_cast<int64_t>(tuning.rows.size()));
  config.epochs = static_cast<double>(tuning.steps * config.batch_size) /
                  static_cast<double>(tuning.rows.size());
  config.epochs += 1e-9;  // a whole number of steps whatever the division's last bit
  config.max_steps = tuning.steps;
  config.lr = tuning.lr;
  config.warmup_epochs = 0;
  config.schedule = train::Schedule::kConstant;
  config.weight_decay = tuning.weight_decay;
  config.recompute = model::Recompute::kNone;
  config.state_bits = 32;
  config.save_every = "never";
  config.seed = static_cast<int64_t>(seed);
  if (tuning.lora) {
    config.lora_rank = tuning.lora_rank;
    config.lora_alpha = tuning.lora_alpha;
    config.lora_dropout = tuning.lora_dropout;
    config.lora_targets = tuning.lora_targets;
  }
  return config;
}

}  // namespace

Json FineTuning::settings() const {
  Json json = {
      {"rows", rows.size()},  {"steps", steps},         {"batch_size", batch_size},    {"lr", lr},
      {"optimizer", "adamw"}, {"schedule", "constant"}, {"weight_decay", weight_decay}};
  if (lora) {
    json["lora"] = {{"rank", lora_rank},
                    {"alpha", lora_alpha},
                    {"dropout", lora_dropout},
                    {"targets", lora_targets}};
  }
  return json;
}

int64_t FineTuning::points() const {
  return measure_every > 0 ? (steps + measure_every - 1) / measure_every : 1;
}

double FineTuning::passes() const {
  double tokens = 0;
  for (const data::Example& row : rows) tokens += static_cast<double>(row.tokens.size());
  const double per_row = rows.empty() ? 0 : tokens / static_cast<double>(rows.size());
  return kPassesPerStep * static_cast<double>(steps * batch_size) * per_row / 1000;
}

void fine_tune(const FineTuning& tuning, Subject& subject) {
  const train::TrainConfig config = training_of(tuning, subject.seed);
  if (tuning.lora) {
    model::add_lora(subject.model, {.rank = tuning.lora_rank,
                                    .alpha = tuning.lora_alpha,
                                    .dropout = tuning.lora_dropout,
                                    .targets = tuning.lora_targets,
                                    .seed = subject.seed});
  }
  const auto loss = losses::find_method("nll").make();
  loss->start(train::model_facts(subject.model.dims(), config));
  train::RunFolder folder(subject.scratch, train::ExistingOutput::kOverwrite);
  train::TrainerHooks hooks;
  hooks.after_step = [&](int64_t step) {
    const bool is_due = tuning.measure_every > 0 && step % tuning.measure_every == 0;
    const bool is_last = step == tuning.steps;
    if (is_due || is_last) subject.measure(step, is_last);
    return train::AfterStep::kContinue;
  };
  train::TrainerInputs inputs{.model = &subject.model,
                              .loss = loss.get(),
                              .data = {.forget = &tuning.rows},
                              .config = config};
  train::Trainer(std::move(inputs), folder, std::move(hooks)).run();
  // One that came while the last step was measured.
  if (const int signal = train::SignalWatch::received(); signal != 0) throw Interrupted(signal);
  folder.update_run_json({{"status", "done"}});
  if (tuning.lora) model::merge_lora(subject.model);
}

std::vector<data::Example> draw_rows(const std::vector<data::Example>& rows, int64_t count,
                                     uint64_t seed) {
  std::vector<data::Example> drawn;
  for (const int64_t row : permutation(static_cast<int64_t>(rows.size()), seed, 0)) {
    if (static_cast<int64_t>(drawn.size()) == count) break;
    drawn.push_back(rows[static_cast<size_t>(row)]);
  }
  return drawn;
}

}  // namespace unlearn::attacks
