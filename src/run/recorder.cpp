#include "run/recorder.h"

#include <ATen/Parallel.h>

#include <sstream>

#include "run/remove/removal.h"
#include "unlearn/core/log.h"
#include "unlearn/run/device.h"
#include "unlearn/run/version.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

std::vector<std::pair<std::string, double>> scalars_of(const train::StepRecord& record) {
  if (record.tokens == 0) return {{"train/lr", record.lr}};  // all of its rows are left out
  std::vector<std::pair<std::string, double>> scalars = {
      {"train/loss", record.loss}, {"train/lr", record.lr}, {"train/grad_norm", record.grad_norm}};
  for (const auto& [name, value] : record.terms)
    scalars.emplace_back("train/" + name + "_loss", value);
  for (const auto& [name, value] : record.diagnostics) scalars.emplace_back("train/" + name, value);
  return scalars;
}

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

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

Recorder::Recorder(const RunConfig& config, const PreparedRun& run, const RunRequest& request,
                   Clock::time_point begin)
    : config_(config),
      run_(run),
      request_(request),
      begin_(begin),
      folder_(config.output, request.existing) {
  log::debug("inputs checked after ", seconds_since(begin_), " s");
}

RunStart Recorder::find_start() {
  if (request_.existing != train::ExistingOutput::kResume) return {};
  const RunStart start = run::find_start(config_, folder_);
  if (start.checkpoint || removal_of(folder_)) {
    hashes_.emplace(config_, run_)
        .check_unchanged(folder_.run_json().value("inputs_sha256", Json::object()));
  }
  return start;
}

void Recorder::start(const RunStart& start) {
  if (!hashes_) hashes_.emplace(config_, run_);
  if (!start.checkpoint) folder_.truncate_metrics(0);
  folder_.write_config(config::to_yaml(config_.resolved()));
  folder_.update_run_json(describe_run());
  earlier_seconds_ = folder_.run_json().value("seconds", 0.0);
}

Json Recorder::describe_run() const {
  const train::MemoryPlan& memory = run_.memory;
  std::ostringstream device;
  device << run_.device;
  Json json = {{"program", "unlearn"},
               {"version", version_text()},
               {"command", request_.command_line},
               {"model_folder", fs::absolute(config_.model.path).lexically_normal().string()},
               {"date", time_text()},
               {"machine", machine_text()},
               {"device", device.str()},
               {"threads", at::get_num_threads()},
               {"processes", run_.sharing.processes},
               {"dtype", dtype_text(run_.dtype)},
               {"seed", config_.train.seed},
               {"purpose", config_.purpose == Purpose::kFinetune ? kFinetunePurpose : "train"},
               {"method", config_.method},
               {"compat", config_.train.compat},
               {"status", kRunning},
               {"settings_sha256", settings_hash(config_)},
               {"memory_modes",
                {{"master", config::name_in(train::kMasters, memory.master)},
                 {"state_bits", config::name_in(train::kStateBits, memory.state_bits)},
                 {"recompute", config::name_in(train::kRecomputes, memory.recompute)},
                 {"gradient_sum",
                  config::name_in(train::kGradientSums, std::optional(memory.gradient_sum))}}},
               {"predicted_peak_bytes", memory.peak}};
  // What the allocator's own peak can be compared with.
  if (run_.device.is_cuda()) json["predicted_device_bytes"] = memory.peak - memory.program;
  return json;
}

std::string Recorder::input_hashes() {
  hashes_->write(folder_);
  return hashes_->values().dump();
}

double Recorder::seconds() const { return earlier_seconds_ + seconds_since(begin_); }

void Recorder::end(const char* status) {
  folder_.update_run_json({{"status", status},
                           {"seconds", seconds()},
                           {"peak_host_bytes", train::peak_host_bytes()},
                           {"peak_device_bytes", train::peak_device_bytes(run_.device)}});
  hashes_->write(folder_);
}

void Recorder::end_after_error(const char* status) {
  try {
    end(status);
  } catch (const std::exception& error) {
    log::warn("run.json: ", error.what());
  }
}

StepReport::StepReport(const RunConfig& config, const PreparedRun& run,
                       const train::RunFolder& folder)
    : config_(config),
      run_(run),
      progress_(config.train.log_every),
      events_(folder.path() / "tensorboard") {}

void StepReport::add(const train::StepRecord& record, int64_t total_steps) {
  if (record.tokens == 0) log::info("step ", record.step, ": all of its rows are left out");
  if (record.step == 1) warn_of_unknown_rows(config_, run_, record);
  progress_.show(record, total_steps);
  events_.write(record.step, scalars_of(record));
}

void StepReport::add(int64_t step, const eval::Outcome& outcome) {
  std::vector<std::pair<std::string, double>> scalars;
  for (const auto& [name, metric] : outcome.evaluation.metrics) {
    if (metric.value) scalars.emplace_back("eval/" + name, *metric.value);
  }
  events_.write(step, scalars);
}

}  // namespace unlearn::run
