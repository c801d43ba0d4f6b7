#include "unlearn/run/forget.h"

#include <cmath>
#include <iostream>

#include "run/forget/forget_run.h"
#include "run/forget/rate_test.h"
#include "run/forget/verdict_files.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/core/plural.h"
#include "unlearn/core/read_log.h"
#include "unlearn/run/check.h"
#include "unlearn/run/plan.h"
#include "unlearn/run/prompt_template.h"
#include "unlearn/run/weights.h"
#include "unlearn/train/signals.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

namespace own = metrics::own_data;

constexpr int64_t kAdapterRank = 16;
constexpr int64_t kKeptCopies = 2;    // of the weights: as they came, and the best state's
constexpr int kAttempts = 3;          // with a smaller rate each
constexpr double kNextAttempt = 0.3;  // of the rate before

int64_t bytes_of(const model::CausalLM& model) {
  int64_t bytes = 0;
  for (const torch::Tensor& parameter : model.parameters()) {
    bytes += static_cast<int64_t>(parameter.nbytes());
  }
  return bytes;
}

}  // namespace

bool ForgetRun::fits() {
  config_ = resolve_run(settings_, Purpose::kUnlearn);
  run_.emplace(prepare(config_, device_));
  run_->kept_copies = kKeptCopies;
  if (model_ && device_.is_cpu()) run_->loaded_bytes = bytes_of(*model_);
  try {
    settle_memory(config_, *run_, memory_limit(config_, *run_));
    return true;
  } catch (const UserError& error) {
    if (config_.train.lora_rank > 0) throw;
    log::info("chosen: an adapter (LoRA, rank ", kAdapterRank, "), because ", error.what());
    return false;
  }
}

// Batch, steps of a round and steps at most, from the number of forget examples.
void ForgetRun::settle_pace() {
  set("train.max_steps", 1);
  set("train.epochs", 1e3);
  config_ = resolve_run(settings_, Purpose::kUnlearn);
  run_.emplace(prepare_model(config_, device_));
  prepare_data(config_, *run_);
  const auto rows = static_cast<int64_t>(run_->leading().examples.size());
  const Pace pace = pace_for(rows, has_retain_);
  set("train.batch_size", pace.batch_size);
  set("train.max_steps", pace.steps);
  // As many as the steps need; each epoch has at least one.
  const int64_t epochs = pace.steps * pace.batch_size / rows + 1;
  set("train.epochs", static_cast<double>(epochs));
  steps_per_round_ = pace.steps_per_round;
}

// The whole configuration; full fine-tune, or an adapter where that does not fit.
void ForgetRun::settle_run() {
  set("train.warmup_steps", 0);
  set("train.schedule", "constant");
  set("train.save_every", "never");
  set("train.lora.merge", true);
  if (request_.lora) set("train.lora.rank", kAdapterRank);
  settle_pace();
  if (!fits()) {
    set("train.lora.rank", kAdapterRank);
    fits();
  }
  // What --overwrite would remove has been looked at (read_inputs); what this run wrote is its own.
  check(config_, *run_, train::ExistingOutput::kRefuse);
  record_template(config_, run_->prompt_template);
  log::info("chosen: ", config_.train.lora_rank > 0 ? "LoRA" : "full fine-tune", ", ",
            counted(config_.train.batch_size, "row"), " a step, at most ",
            counted(run_->plan.total, "step"), ", measured every ",
            counted(steps_per_round_, "step"), ", no warm-up");
}

void ForgetRun::measure_before() {
  // The model that was asked has no adapter beside it.
  if (config_.train.lora_rank > 0) {
    model_.reset();
    model_ = load_model(config_, *run_);
  }
  start_.emplace(*model_);
  before_ = measurements_->everything(*model_, recorder_->folder().path() / "eval" / kBeforeFolder);
}

void ForgetRun::train_attempts() {
  const bool is_free = !request_.user.contains("train.lr");
  if (is_free) {
    config_.train.lr =
        find_rate({config_, *run_, *model_, *start_, *measurements_, before_, request_.targets,
                   recorder_->folder(), [this] { return recorder_->reference_key(); }});
  }
  train_once();
  std::vector<double> nearest = rounds_.distance;
  double best_lr = config_.train.lr;
  const auto again = [&](double lr, const char* why) {
    start_->restore(*model_);
    config_.train.lr = lr;
    start_loss(config_, *run_);
    log::info(why, ", at learning rate ", number(lr, 3));
    train_once();
  };
  for (int attempt = 1; is_free && rounds_.damaged && !rounds_.reached && attempt < kAttempts;
       ++attempt) {
    again(config_.train.lr * kNextAttempt, "once more");
    if (rounds_.distance >= nearest) continue;
    nearest = rounds_.distance;
    best_lr = config_.train.lr;
  }
  // A smaller rate does not always come as far. The better state is trained again instead of being
  // kept: the folder then holds its steps, and memory one copy of the weights less.
  if (config_.train.lr != best_lr) again(best_lr, "the better state is trained again");
}

void ForgetRun::train_once() {
  recorder_->start({});
  StepReport report(config_, *run_, recorder_->folder());
  rounds_ = train_in_rounds(
      {.config = config_,
       .run = *run_,
       .model = *model_,
       .start = *start_,
       .folder = recorder_->folder(),
       .measurements = *measurements_,
       .before = before_,
       .targets = request_.targets,
       .steps_per_round = steps_per_round_,
       .reference_key = [this] { return recorder_->reference_key(); },
       .on_step = [&](const auto& record, int64_t total) { report.add(record, total); }});
  log::info(rounds_.ending);
}

Json ForgetRun::described() const {
  const auto place = [](const fs::path& path) {
    return fs::absolute(path).lexically_normal().string();
  };
  const auto& splits = run_->splits;
  return {{"method", config_.method},
          {"retain", has_retain_ ? "the file" : "the model's own samples"},
          {"held_out", config_.data.hold_out},
          {"trained", config_.train.lora_rank > 0 ? "adapter (LoRA)" : "all weights"},
          {"learning_rate", config_.train.lr},
          {"batch_size", config_.train.batch_size},
          {"steps", rounds_.step},
          {"ending", rounds_.ending},
          {"seed", config_.train.seed},
          {"base", request_.base.empty() ? Json() : Json(request_.base)},
          {"target_auc", request_.targets.auc},
          {"max_damage", request_.targets.max_damage},
          {"seconds", std::round(recorder_->seconds())},
          {"files",
           {{"model", place(config_.model.path)},
            {"forget", place(splits.forget->file)},
            {"retain", splits.retain ? Json(place(splits.retain->file)) : Json()}}}};
}

int ForgetRun::finish() {
  train::RunFolder& folder = recorder_->folder();
  const fs::path saved = save_model(config_, *run_, *source_, folder, *model_);
  // The verdict is about the model on disk.
  if (round_as_saved(*run_, *model_)) rounds_.after = measurements_->everything(*model_);
  // The recorded configuration repeats the run up to the state that is kept.
  if (rounds_.step > 0) config_.train.max_steps = rounds_.step;
  folder.write_config(config::to_yaml(config_.resolved()));
  folder.truncate_metrics(rounds_.step);
  Json settings = described();
  recorder_->input_hashes();  // refuses a model that was changed meanwhile
  const Json hashes = verdict_hashes(model_hash_.get(), run_->splits, saved);
  own::Verdict verdict =
      own::judge(own::evidence_of(before_, rounds_.after), request_.targets,
                 provenance_now(std::move(settings), hashes, run_->prompt_template.name));
  if (!has_retain_) {
    verdict.json["not_concluded"].push_back(
        "There was no file of rows to keep: the model's own samples stood for one, and damage was "
        "measured on those of them that were not trained on. What else people ask of the model "
        "was not looked at.");
  }
  if (is_chat_left_out_) verdict.json["not_concluded"].push_back(kPlainTextOnly);
  write_verdict(folder, verdict.json);
  recorder_->end(kDone);
  std::cout << verdict.sentence << "\n";
  log::info("the model: ", saved.string(),
            "; the verdict: ", (folder.path() / kVerdictPage).string());
  return verdict.passed() ? 0 : kNotReached;
}

int ForgetRun::execute() {
  train::SignalWatch::ignore_outside();
  const ReadLog reads;
  read_inputs();
  train::RunFolder::check(config_.output, request_.existing);
  ask_model();
  open_folder();
  settle_run();
  recorder_->start({});
  try {
    measure_before();
    train_attempts();
    return finish();
  } catch (const Interrupted&) {
    recorder_->end_after_error(kInterrupted);
    log::info("start again with --overwrite");
    throw;
  } catch (...) {
    recorder_->end_after_error(kFailed);
    throw;
  }
}

int forget(const ForgetRequest& request) { return ForgetRun(request).execute(); }

}  // namespace unlearn::run
