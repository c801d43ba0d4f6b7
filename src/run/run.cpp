#include "unlearn/run/run.h"

#include <iostream>

#include "run/agreement.h"
#include "run/recorder.h"
#include "run/remove/certificate.h"
#include "run/remove/removal.h"
#include "run/stopping.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/core/read_log.h"
#include "unlearn/distributed/broadcast.h"
#include "unlearn/run/check.h"
#include "unlearn/run/device.h"
#include "unlearn/run/forget.h"
#include "unlearn/run/plan.h"
#include "unlearn/run/prompt_template.h"
#include "unlearn/run/remove.h"
#include "unlearn/run/train.h"
#include "unlearn/run/weights.h"
#include "unlearn/runtime/device.h"
#include "unlearn/train/checkpoint.h"
#include "unlearn/train/signals.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

// A shell's exit code for signal N is this + N.
constexpr int kSignalledCode = 128;

fs::path step_evaluation(const train::RunFolder& folder, int64_t step) {
  return folder.path() / "eval" / cat("step-", step);
}

// Evaluates what the run saved. A killed evaluation goes on when the run is resumed.
void evaluate_saved_model(const RunConfig& config, const train::RunFolder& folder,
                          torch::Device device) {
  const bool is_adapter = config.train.lora_rank > 0 && !config.train.lora_merge;
  Evaluator evaluator(config,
                      is_adapter ? adapter_of_run(config, folder.path() / "adapter")
                                 : EvaluatedModel{folder.model()},
                      device);
  const eval::Outcome outcome = evaluator.evaluate_folder(folder.path() / "eval");
  for (const std::string& warning : outcome.evaluation.warnings) log::warn(warning);
  const std::string name = fs::path(config.output).lexically_normal().filename().string();
  std::cout << eval::comparison_table({{name, &outcome.evaluation.metrics}}, evaluator.headline());
}

// A run whose processes have agreed, from its open folder on. Every process makes the same calls;
// the first one alone has a recorder, and it alone writes, evaluates and reports.
class Run {
 public:
  Run(const RunConfig& config, PreparedRun& prepared, const RunRequest& request,
      const distributed::Group& group, Clock::time_point begin)
      : config_(config), run_(prepared), request_(request), group_(group), begin_(begin) {}

  int execute();

 private:
  // Opens the folder, on the first process.
  RunStart open();
  void finish_trained_run();
  // Returns the folder of the weights, on the first process.
  fs::path train_and_save(const RunStart& start);
  bool evaluates_steps() const { return config_.eval.interval(run_.plan.per_epoch) > 0; }
  void evaluate_before(model::CausalLM& model, StepReport& report);
  bool is_due(int64_t step) const;
  train::AfterStep evaluate(int64_t step, model::CausalLM& model, StepReport& report);
  train::AfterStep catch_up(int64_t step, model::CausalLM& model, StepReport& report);
  TrainingOptions training_options(const RunStart& start, model::CausalLM& model,
                                   std::optional<StepReport>& report);
  void settle_best(int64_t last, const train::RunFolder& folder, model::CausalLM& model);
  void finish(const fs::path& saved);
  // Of a run that is done.
  int exit_code() { return recorder_ ? stop_code(recorder_->folder().run_json()) : 0; }

  const RunConfig& config_;
  PreparedRun& run_;
  const RunRequest& request_;
  const distributed::Group& group_;
  const Clock::time_point begin_;
  std::optional<Recorder> recorder_;  // of the first process
  std::optional<Stopping> stopping_;  // of the first process, with train.stop
  Course course_;
};

RunStart Run::open() {
  recorder_.emplace(config_, run_, request_, begin_);
  return recorder_->find_start();
}

int Run::execute() {
  const RunStart start = distributed::from_leader<RunStart>(group_, [this] { return open(); });
  if (start.is_trained) {
    if (recorder_) finish_trained_run();
    return exit_code();
  }
  if (recorder_) recorder_->start(start);
  fs::path saved;
  try {
    saved = train_and_save(start);
  } catch (const Interrupted& stopped) {
    if (!recorder_) return kSignalledCode + stopped.signal();  // the first process reports
    recorder_->end_after_error(kInterrupted);
    report_resuming(config_, recorder_->folder());
    throw;
  } catch (...) {
    if (recorder_) recorder_->end_after_error(kFailed);
    throw;
  }
  if (recorder_) finish(saved);
  return exit_code();
}

void Run::finish_trained_run() {
  train::RunFolder& folder = recorder_->folder();
  const bool certified = !removal_of(folder) || fs::exists(folder.path() / kCertificateFile);
  if (!certified) write_certificate(config_, run_, folder);
  const bool evaluated = !run_.evaluator || run_.evaluator->is_complete(folder.path() / "eval");
  if (config_.eval.at_end && !evaluated) {
    evaluate_saved_model(config_, folder, run_.device);
  } else {
    log::info("nothing to resume: the run in ", config_.output, " is done");
  }
  recorder_->set_status(kDone);
}

fs::path Run::train_and_save(const RunStart& start) {
  std::optional<model::ModelSource> source;
  if (recorder_) source.emplace(config_.model.path);
  std::optional<train::RunFolder> others;
  if (!recorder_) others.emplace(train::RunFolder::for_reading(config_.output));
  train::RunFolder& folder = recorder_ ? recorder_->folder() : *others;
  const auto model = load_model(config_, run_);
  if (recorder_) log::debug("weights loaded after ", recorder_->seconds(), " s");
  {
    std::optional<StepReport> report;
    if (recorder_) report.emplace(config_, run_, folder);
    const int64_t last =
        train({config_, run_, *model, folder, group_}, training_options(start, *model, report));
    if (recorder_) settle_best(last, folder, *model);
  }
  if (!recorder_) return {};
  const fs::path saved = save_model(config_, run_, *source, folder, *model);
  recorder_->end(config_.eval.at_end ? kEvaluating : kDone);
  return saved;
}

// Evaluates the model as it came into eval/before. A run that starts again from its first step does
// not repeat what is there.
void Run::evaluate_before(model::CausalLM& model, StepReport& report) {
  const fs::path folder = recorder_->folder().path() / "eval" / kBeforeFolder;
  if (run_.evaluator->is_complete(folder)) return;
  const eval::Outcome outcome = run_.evaluator->evaluate_model(model, folder);
  report.add(0, outcome);
  log::info("before the first step  ", run_.evaluator->headline_text(outcome));
}

TrainingOptions Run::training_options(const RunStart& start, model::CausalLM& model,
                                      std::optional<StepReport>& report) {
  TrainingOptions options{.checkpoint = start.checkpoint, .origin = start.origin};
  options.reference_key = [this] { return recorder_->reference_key(); };
  options.hooks.on_step = [&](const train::StepRecord& record, int64_t total) {
    if (!report) return;
    report->add(record, total);
    course_.add(record);
    recorder_->write_hashes_when_known();
  };
  options.on_ready = [&](int64_t step) {
    if (step == 0 && report && config_.eval.at_start) evaluate_before(model, *report);
    const bool measures = report && evaluates_steps();
    return measures ? catch_up(step, model, *report) : train::AfterStep::kContinue;
  };
  if (!evaluates_steps()) return options;
  options.hooks.after_step = [&](int64_t step) {
    const bool measures = report && is_due(step);
    return measures ? evaluate(step, model, *report) : train::AfterStep::kContinue;
  };
  if (recorder_ && config_.train.stops()) {
    stopping_.emplace(config_);
    options.hooks.kept_step = [this] { return stopping_->kept(); };
  }
  return options;
}

bool Run::is_due(int64_t step) const {
  return step % config_.eval.interval(run_.plan.per_epoch) == 0 ||
         (config_.train.stops() && step == run_.plan.total);
}

// Before the first step of a run that goes on: it may have been stopped between the checkpoint and
// the evaluation of its step, or when that evaluation had ended the training.
train::AfterStep Run::catch_up(int64_t step, model::CausalLM& model, StepReport& report) {
  if (step == 0) return train::AfterStep::kContinue;
  const train::AfterStep wish = stopping_
                                    ? stopping_->recall(recorder_->folder().path() / "eval", step)
                                    : train::AfterStep::kContinue;
  const fs::path folder = step_evaluation(recorder_->folder(), step);
  if (!is_due(step) || run_.evaluator->is_complete(folder)) return wish;
  return evaluate(step, model, report);
}

// Evaluates the model in training into eval/step-N and the event file; returns whether training
// goes on.
train::AfterStep Run::evaluate(int64_t step, model::CausalLM& model, StepReport& report) {
  const eval::Outcome outcome =
      run_.evaluator->evaluate_model(model, step_evaluation(recorder_->folder(), step));
  report.add(step, outcome);
  log::info("step ", step, "  ", run_.evaluator->headline_text(outcome));
  return stopping_ ? stopping_->look(step, outcome.evaluation) : train::AfterStep::kContinue;
}

// train.keep: best; and what the run says of its end.
void Run::settle_best(int64_t last, const train::RunFolder& folder, model::CausalLM& model) {
  if (!stopping_) return;
  const std::optional<int64_t> best = stopping_->kept();
  if (best && *best != last) {
    train::NamedTensors trained;
    for (const auto& entry : model.named_parameters()) {
      if (entry.value().requires_grad()) trained.emplace_back(entry.key(), entry.value());
    }
    train::read_weights(folder.checkpoint(*best), trained);
  }
  recorder_->folder().update_run_json({{"stop", stopping_->record(last)}});
}

void Run::finish(const fs::path& saved) {
  std::cout << saved.string() << "\n";
  log::info("done after ", duration_text(recorder_->seconds()), course_.text());
  if (removal_of(recorder_->folder())) write_certificate(config_, run_, recorder_->folder());
  if (config_.eval.at_end) {
    evaluate_saved_model(config_, recorder_->folder(), run_.device);
    recorder_->set_status(kDone);
  }
  log::info("next: ", next_command(config_, saved.string()));
}

// What execute() and dry_run() share: everything is read and checked.
PreparedRun checked_run(RunConfig& config, const RunRequest& request, torch::Device device,
                        const Sharing& sharing) {
  PreparedRun run = prepare(config, device, sharing);
  if (request.existing == train::ExistingOutput::kResume) adopt_recorded_modes(config);
  check(config, run, request.existing);
  return run;
}

// A plan for a GPU whose memory is given needs no GPU.
torch::Device planned_device(const RunConfig& config) {
  if (config.device == "cuda" && config.train.memory_gib) return torch::kCUDA;
  return resolve_device(config.device);
}

}  // namespace

int execute(const RunRequest& request, const distributed::Launch& launch) {
  const Clock::time_point begin = Clock::now();
  train::SignalWatch::ignore_outside();
  if (launch.rank > 0) log::set_level(log::Level::kError);  // the first process reports
  distributed::Group group(launch);
  share_cores(group);
  const ReadLog reads;  // what is read from here on is what run.json has as the run's inputs
  RunConfig config;
  std::optional<PreparedRun> run;
  group.all_or_none([&] {
    config = request.resolve();
    const torch::Device device = resolve_device(config.device, number_on_machine(group));
    const bool is_exact = config.train.deterministic == train::Determinism::kFull;
    if (device.is_cuda() && is_exact) runtime::set_deterministic();
    if (group.leads()) train::RunFolder::check(config.output, request.existing);
    run.emplace(checked_run(config, request, device, {group.size(), group.local_size()}));
    record_template(config, run->prompt_template);
    record_exclusion(config, *run);
  });
  agree(config, *run, group);
  return Run(config, *run, request, group, begin).execute();
}

std::string dry_run(const RunRequest& request, const Sharing& sharing) {
  RunConfig config = request.resolve();
  // A resumed run keeps the modes that it was started with.
  const bool resumes = request.existing == train::ExistingOutput::kResume;
  if (resumes) train::RunFolder::check(config.output, request.existing);
  PreparedRun run = checked_run(config, request, planned_device(config), sharing);
  settle_memory(config, run, memory_limit(config, run));
  try {
    train::RunFolder::check(config.output, request.existing);
  } catch (const UserError& error) {
    log::warn(error.what());  // a plan writes nothing, but the run would be refused
  }
  return describe_plan(config, run);
}

}  // namespace unlearn::run
