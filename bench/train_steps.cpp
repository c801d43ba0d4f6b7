// A training run under remote control, for paired timings: reads a JSON specification, loads the
// model, prints {"ready": true}, and then takes one optimizer step of the real trainer per line on
// stdin, answering with one JSON line. Ends when stdin does or the run is over.
//   train_steps SPEC.json
// SPEC: {"model": DIR, "examples": FILE, "method": NAME, "options": {…}, "batch_size": N,
//        "lr": X, "steps": N, "folder": DIR}, "train": {…} for further settings of `train:`
//        ("lora.rank" among them), "device": "cpu" or "cuda", "dtype": "float32" or "bfloat16",
//        "arena": false for tensors from the C library's heap, "trace": {"step": N, "file": FILE}
//        for a trace (Kineto's, in Chrome's format) of that step, counted from 1.
// FILE: {"forget": [{"tokens": […], "labels": […]}], "retain": […]}.
#include <torch/csrc/autograd/profiler_kineto.h>
#include <torch/cuda.h>

#include <chrono>
#include <ctime>
#include <iostream>

#include "train/token_rows.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/strings.h"
#include "unlearn/run/device.h"
#include "unlearn/run/train.h"
#include "unlearn/run/weights.h"
#include "unlearn/runtime/host_arena.h"

namespace unlearn {
namespace {

constexpr const char* kOrigin = "specification";

run::RunConfig run_config(const Json& spec) {
  config::Settings settings;
  const auto set = [&](const std::string& key, const Json& value) {
    settings.set(key, value, kOrigin);
  };
  set("model.path", spec.at("model"));
  set("model.dtype", spec.value("dtype", "float32"));
  set("device", spec.value("device", "cpu"));
  set("output", spec.at("folder"));
  set("method.name", spec.at("method"));
  set("data.benchmark", "qa");  // has no settings of a method's own
  set("data.pairing", "cyclic");
  set("train.batch_size", spec.at("batch_size"));
  set("train.max_steps", spec.at("steps"));
  set("train.epochs", 1e6);
  set("train.lr", spec.at("lr"));
  set("train.schedule", "constant");
  set("train.warmup_steps", 0);
  set("train.shuffle", false);
  set("train.save_every", "never");
  for (const auto& [prefix, key] :
       {std::pair("method.", "options"), std::pair("train.", "train")}) {
    const Json values = spec.value(key, Json::object());
    for (const auto& [name, value] : values.items()) set(prefix + name, value);
  }
  return run::resolve_run(settings, run::Purpose::kUnlearn);
}

// Token rows instead of a benchmark's files; the model's folder needs no tokenizer.
run::PreparedRun prepare(const Json& spec, const run::RunConfig& config) {
  run::PreparedRun run = run::prepare_model(config, run::resolve_device(config.device));
  const Json rows = read_json(spec.at("examples").get<std::string>());
  run.splits.forget.emplace().examples = read_examples(rows.at("forget"), "forget");
  if (config.loss->needs().retain) {
    run.splits.retain.emplace().examples = read_examples(rows.at("retain"), "retain");
  }
  run::prepare_steps(config, run);
  run::start_loss(config, run);
  return run;
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void print_line(const Json& line) { std::cout << line.dump() << std::endl; }

// False when nobody wants another step.
bool wait_for_go() {
  std::string line;
  return static_cast<bool>(std::getline(std::cin, line));
}

Json peaks(torch::Device device) {
  Json json = {{"peak_bytes", train::peak_host_bytes()}};
  if (device.is_cuda()) json["peak_device_bytes"] = train::peak_device_bytes(device);
  return json;
}

// From one line on stdin to the end of what that step asked of the device.
class StepClock {
 public:
  explicit StepClock(torch::Device device) : device_(device) {}

  void wait_and_start() {
    if (!wait_for_go()) std::exit(0);
    wall_ = std::chrono::steady_clock::now();
    cpu_ = cpu_seconds();
  }

  void add_to(Json& line) const {
    if (device_.is_cuda()) {
      // The trainer's own seconds end when the update is queued, not when it is done.
      torch::cuda::synchronize(device_.index());
      line["seconds"] =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - wall_).count();
    }
    line["cpu_seconds"] = cpu_seconds() - cpu_;
  }

 private:
  torch::Device device_;
  std::chrono::steady_clock::time_point wall_;
  double cpu_ = 0;
};

// A trace of one step, from before it is asked for to the end of what it asked of the device.
class StepTrace {
 public:
  StepTrace(const Json& spec, torch::Device device) {
    if (!spec.contains("trace")) return;
    step_ = spec.at("trace").at("step").get<int64_t>();
    file_ = spec.at("trace").at("file").get<std::string>();
    activities_.insert(torch::profiler::impl::ActivityType::CPU);
    if (device.is_cuda()) activities_.insert(torch::profiler::impl::ActivityType::CUDA);
  }
  void before(int64_t step) const {
    if (step != step_) return;
    const torch::profiler::impl::ProfilerConfig config(
        torch::profiler::impl::ProfilerState::KINETO);
    torch::autograd::profiler::prepareProfiler(config, activities_);
    torch::autograd::profiler::enableProfiler(config, activities_);
  }
  void after(int64_t step) const {
    if (step == step_) torch::autograd::profiler::disableProfiler()->save(file_);
  }

 private:
  int64_t step_ = -1;
  std::string file_;
  std::set<torch::profiler::impl::ActivityType> activities_;
};

void answer_steps(const Json& spec) {
  if (spec.value("arena", true)) runtime::use_arena_for_host_tensors();
  const run::RunConfig config = run_config(spec);
  const run::PreparedRun run = prepare(spec, config);
  const auto model = run::load_model(config, run);
  train::RunFolder folder(config.output, train::ExistingOutput::kRefuse);
  StepClock clock(run.device);
  const StepTrace trace(spec, run.device);
  run::TrainingOptions options;
  options.reference_key = [] { return "bench"; };
  options.on_ready = [&](int64_t) {
    Json ready = peaks(run.device);
    ready["ready"] = true;
    print_line(ready);
    trace.before(1);
    clock.wait_and_start();
    return train::AfterStep::kContinue;
  };
  options.hooks.on_step = [&](const train::StepRecord& record, int64_t) {
    Json line = record.to_json();
    clock.add_to(line);
    trace.after(record.step);
    line.update(peaks(run.device));
    print_line(line);
    trace.before(record.step + 1);
    clock.wait_and_start();
  };
  run::train({config, run, *model, folder}, std::move(options));
}

}  // namespace
}  // namespace unlearn

int main(int argc, char** argv) {
  try {
    if (argc != 2) unlearn::user_error("usage: train_steps SPEC.json");
    unlearn::answer_steps(unlearn::read_json(argv[1]));
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
}
