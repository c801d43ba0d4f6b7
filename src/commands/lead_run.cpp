#include "commands/lead_run.h"

#include <ATen/Parallel.h>

#include <iostream>

#include "commands/device.h"
#include "commands/evaluate.h"
#include "commands/input_hashes.h"
#include "commands/join_run.h"
#include "commands/progress.h"
#include "commands/prompt_template.h"
#include "commands/reference.h"
#include "commands/run_ending.h"
#include "commands/weights.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"
#include "unlearn/runtime/host_arena.h"
#include "unlearn/scoring/reference_cache.h"
#include "unlearn/train/event_file.h"
#include "unlearn/train/resume.h"
#include "unlearn/train/trainer.h"

namespace unlearn::commands {
namespace fs = std::filesystem;
namespace {

// The status of a run whose model is saved and not evaluated yet.
constexpr const char* kEvaluating = "evaluating";

std::string settings_hash(const RunConfig& config) { return sha256(config.fingerprint().dump()); }

// UserError when a run goes on with other settings; a checkpoint can say which.
void check_same_settings(const RunConfig& config, const train::RunFolder& folder,
                         std::optional<int64_t> checkpoint) {
  if (checkpoint) train::check_resumable(folder.checkpoint(*checkpoint), config.fingerprint());
  const auto before = folder.run_json().find("settings_sha256");
  if (before != folder.run_json().end() && *before != settings_hash(config)) {
    user_error("--resume: the run was started with other settings, those of ",
               (folder.path() / "config.resolved.yaml").string(),
               "; give the same ones, or start a new run");
  }
}

// Whether all that a run saves is still there; what is missing is made again.
bool has_weights(const RunConfig& config, const train::RunFolder& folder) {
  std::vector<fs::path> saved;
  if (config.train.lora_rank > 0) saved.push_back(folder.path() / "adapter");
  if (config.train.lora_rank == 0 || config.train.lora_merge) saved.push_back(folder.model());
  for (const fs::path& weights : saved) {
    std::vector<std::string> names = {weights == folder.model() ? "config.json"
                                                                : "adapter_config.json"};
    if (const auto manifest = Manifest::read(weights)) names = manifest->names();
    for (const std::string& name : names) {
      if (fs::exists(weights / name)) continue;
      log::warn((weights / name).string(), " is missing; what the run saved is made again");
      return false;
    }
  }
  return true;
}

Json describe_run(const RunConfig& config, const CheckedRun& checked, const std::string& command) {
  const PreparedRun& run = checked.prepared;
  const train::MemoryPlan& memory = checked.memory;
  std::ostringstream device;
  device << run.device;
  Json json = {{"program", "unlearn"},
               {"version", version_text()},
               {"command", command},
               {"model_folder", fs::absolute(config.model.path).lexically_normal().string()},
               {"device", device.str()},
               {"threads", at::get_num_threads()},
               {"processes", run.sharing.processes},
               {"dtype", dtype_text(run.dtype)},
               {"seed", config.train.seed},
               {"method", config.method},
               {"compat", config.train.compat},
               {"status", "running"},
               {"settings_sha256", settings_hash(config)},
               {"memory_modes",
                {{"master", memory.master},
                 {"state_bits", memory.state_bits},
                 {"recompute", memory.recompute}}},
               {"predicted_peak_bytes", memory.peak}};
  // What the allocator's own peak can be compared with.
  if (run.device.is_cuda()) json["predicted_device_bytes"] = memory.peak - memory.program;
  return json;
}

std::vector<std::pair<std::string, double>> scalars_of(const train::StepRecord& record) {
  std::vector<std::pair<std::string, double>> scalars = {
      {"train/loss", record.loss}, {"train/lr", record.lr}, {"train/grad_norm", record.grad_norm}};
  for (const auto& [name, value] : record.terms)
    scalars.emplace_back("train/" + name + "_loss", value);
  for (const auto& [name, value] : record.diagnostics) scalars.emplace_back("train/" + name, value);
  return scalars;
}

// A token's probability of one half; a model that learnt the rows is well above.
constexpr double kUnknownLogprob = -0.7;

// Forgetting what the model never knew, or knows under other prompts, "works" and shows nothing.
void warn_of_unknown_rows(const RunConfig& config, const PreparedRun& run,
                          const train::StepRecord& record) {
  const bool forgets = run.splits.forget && config.method != "nll";
  if (!forgets || !config.data.chosen().reads_template) return;
  if (!record.forget_logprob || *record.forget_logprob > kUnknownLogprob) return;
  log::warn("the model hardly knows the forget rows: at the first step their answers have a mean ",
            "log-probability of ", number(*record.forget_logprob, 3), " per token under template ",
            run.prompt_template.name,
            "; wrong template (model.template), wrong model, or already forgotten?");
}

void warn_of_nulls(const eval::Outcome& outcome) {
  for (const std::string& warning : outcome.evaluation.warnings) log::warn(warning);
}

fs::path step_evaluation(const train::RunFolder& folder, int64_t step) {
  return folder.path() / "eval" / cat("step-", step);
}

// Evaluates the model in training into eval/step-N and the event file; training then goes on.
void evaluate_step(Evaluator& evaluator, model::CausalLM& model, const train::RunFolder& folder,
                   int64_t step, train::EventFile& events) {
  const eval::Outcome outcome = evaluator.evaluate_model(model, step_evaluation(folder, step));
  std::vector<std::pair<std::string, double>> scalars;
  for (const auto& [name, metric] : outcome.evaluation.metrics) {
    if (metric.value) scalars.emplace_back("eval/" + name, *metric.value);
  }
  events.write(step, scalars);
  log::info("step ", step, "  ", evaluator.headline_text(outcome));
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
  warn_of_nulls(outcome);
  const std::string name = fs::path(config.output).lexically_normal().filename().string();
  std::cout << eval::comparison_table({{name, &outcome.evaluation.metrics}}, evaluator.headline());
}

// Trains from the start, or from a checkpoint; what the first process does.
void train_model(const RunConfig& config, const PreparedRun& run, std::optional<int64_t> checkpoint,
                 const distributed::Group& group, train::RunFolder& folder, InputHashes& hashes,
                 model::CausalLM& model, Evaluator* evaluator, Course& course) {
  train::TrainerInputs inputs = trainer_inputs(config, run);
  inputs.model = &model;
  inputs.group = &group;
  std::optional<scoring::ReferenceCache> reference;
  if (const scoring::ReferenceNeeds needs = train::reference_needs(inputs); needs.any()) {
    hashes.write(folder);  // they are part of the cache's key
    reference = open_reference(config, run, folder, model, needs);
    inputs.reference = &*reference;
    group.wait();
  }
  Progress progress(config.train.log_every);
  train::EventFile events(folder.path() / "tensorboard");
  train::TrainerHooks hooks;
  hooks.on_step = [&](const train::StepRecord& record, int64_t total) {
    if (record.step == 1) warn_of_unknown_rows(config, run, record);
    progress.show(record, total);
    course.add(record);
    hashes.write_when_known(folder);
    events.write(record.step, scalars_of(record));
  };
  const int64_t interval = config.eval.interval(run.plan.per_epoch);
  const auto evaluate_when_due = [&](int64_t step) {
    if (interval > 0 && step % interval == 0) {
      evaluate_step(*evaluator, model, folder, step, events);
    }
  };
  hooks.after_step = evaluate_when_due;
  train::Trainer trainer(std::move(inputs), folder, std::move(hooks));
  const int64_t step = checkpoint.value_or(kNoCheckpoint);
  group.sum(static_cast<double>(step));
  if (step != kNoCheckpoint) {
    trainer.resume_from(step);
    // The run may have been stopped between the checkpoint and the evaluation of its step.
    if (evaluator != nullptr && !evaluator->is_complete(step_evaluation(folder, step))) {
      evaluate_when_due(step);
    }
  }
  trainer.run();
}

}  // namespace

int lead_run(RunConfig& config, CheckedRun& checked, const TrainingFlags& flags,
             const distributed::Group& group, const std::string& command_line,
             Clock::time_point start) {
  const auto seconds = [start] {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  const PreparedRun& run = checked.prepared;
  std::optional<Evaluator>& evaluator = checked.evaluator;
  log::debug("inputs checked after ", seconds(), " s");
  std::optional<train::RunFolder> opened;
  std::optional<InputHashes> hashes;
  bool is_trained = false;
  std::optional<int64_t> checkpoint;
  group.together([&] {
    train::RunFolder& folder = opened.emplace(config.output, existing_output(flags));
    if (!flags.resume) return;
    const std::string before = folder.run_json().value("status", "");
    is_trained = (before == "done" || before == kEvaluating) && has_weights(config, folder);
    if (!is_trained) checkpoint = train::newest_whole_checkpoint(folder);
    check_same_settings(config, folder, checkpoint);
    if (!checkpoint) return;
    hashes.emplace(config, run)
        .check_unchanged(folder.run_json().value("inputs_sha256", Json::object()));
  });
  train::RunFolder& folder = *opened;
  group.first(is_trained ? kNothingToTrain : kTrain);
  if (is_trained) {
    const bool evaluated = !evaluator || evaluator->is_complete(folder.path() / "eval");
    if (config.eval.at_end && !evaluated) {
      evaluate_saved_model(config, folder, run.device);
    } else {
      log::info("nothing to resume: the run in ", config.output, " is done");
    }
    folder.update_run_json({{"status", "done"}});
    return 0;
  }
  if (!hashes) {
    hashes.emplace(config, run);
    folder.truncate_metrics(0);
  }
  folder.write_config(config::to_yaml(config.resolved()));
  folder.update_run_json(describe_run(config, checked, command_line));
  const double earlier = folder.run_json().value("seconds", 0.0);
  const auto finish = [&](const char* status) {
    folder.update_run_json({{"status", status},
                            {"seconds", earlier + seconds()},
                            {"peak_host_bytes", train::peak_host_bytes()},
                            {"peak_device_bytes", train::peak_device_bytes(run.device)}});
    hashes->write(folder);
  };
  // What went wrong is told, not that it could not be noted.
  const auto finish_quietly = [&](const char* status) {
    try {
      finish(status);
    } catch (const std::exception& error) {
      log::warn("run.json: ", error.what());
    }
  };
  fs::path written;
  Course course;
  try {
    const model::ModelSource source(config.model.path);
    const auto model = load_weights(config, run);
    runtime::trim_host_memory();
    log::debug("weights loaded after ", seconds(), " s");
    train_model(config, run, checkpoint, group, folder, *hashes, *model,
                evaluator ? &*evaluator : nullptr, course);
    written = save_weights(config, run, source, folder, *model);
    finish(config.eval.at_end ? kEvaluating : "done");
  } catch (const Interrupted&) {
    finish_quietly("interrupted");
    tell_of_resuming(config, folder, command_line);
    throw;
  } catch (...) {
    finish_quietly("failed");
    throw;
  }
  std::cout << written.string() << "\n";
  log::info("done after ", duration_text(earlier + seconds()), course.text());
  if (config.eval.at_end) {
    evaluate_saved_model(config, folder, run.device);
    folder.update_run_json({{"status", "done"}});
  }
  log::info("next: ", next_command(config, command_line, written.string()));
  return 0;
}

}  // namespace unlearn::commands
