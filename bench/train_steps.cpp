// A training run under remote control, for paired timings: reads a JSON specification, loads the
// model, prints {"ready": true}, and then takes one optimizer step of the real trainer per line on
// stdin, answering with one JSON line. Ends when stdin does or the run is over.
//   train_steps SPEC.json
// SPEC: {"model": DIR, "examples": FILE, "method": NAME, "options": {…}, "batch_size": N,
//        "lr": X, "steps": N, "folder": DIR}, "train": {…} for further settings of `train:`
//        ("lora.rank" among them), "device": "cpu" or "cuda", "dtype": "float32" or "bfloat16",
//        "arena": false for tensors from the C library's heap.
// FILE: {"forget": [{"tokens": […], "labels": […]}], "retain": […]}.
#include <torch/cuda.h>

#include <chrono>
#include <ctime>
#include <iostream>

#include "train/token_rows.h"
#include "unlearn/config/settings.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/strings.h"
#include "unlearn/model/lora.h"
#include "unlearn/runtime/device.h"
#include "unlearn/runtime/host_arena.h"
#include "unlearn/runtime/token_budget.h"
#include "unlearn/train/memory_plan.h"
#include "unlearn/train/trainer.h"

namespace unlearn {
namespace {
namespace fs = std::filesystem;

template <class Section>
void read_section(const Json& spec, const char* key, Section& section) {
  config::Settings settings;
  const Json values = spec.value(key, Json::object());
  for (const auto& [name, value] : values.items()) {
    settings.set(name, value, "specification");
  }
  config::SettingsReader reader(settings);
  reader.read("", section);
  reader.refuse_unknown();
}

torch::Device device_of(const Json& spec) {
  const std::string name = spec.value("device", "cpu");
  if (name == "cpu") return torch::kCPU;
  if (name != "cuda") user_error("device: must be cpu or cuda, not '", name, "'");
  const std::string missing = runtime::enable_cuda();
  if (!missing.empty()) user_error("device: cuda: ", missing);
  if (!torch::cuda::is_available()) user_error("device: cuda: no CUDA device is available here");
  return {torch::kCUDA, 0};
}

torch::Dtype dtype_of(const Json& spec) {
  const std::string name = spec.value("dtype", "float32");
  if (name == "float32") return torch::kFloat32;
  if (name != "bfloat16") user_error("dtype: must be float32 or bfloat16, not '", name, "'");
  return torch::kBFloat16;
}

train::TrainConfig train_config(const Json& spec) {
  train::TrainConfig config;
  config.batch_size = spec.at("batch_size").get<int64_t>();
  config.max_steps = spec.at("steps").get<int64_t>();
  config.epochs = 1e6;
  config.lr = spec.at("lr").get<double>();
  config.schedule = "constant";
  config.warmup_epochs.reset();
  config.warmup_steps = 0;
  config.shuffle = false;
  config.save_every = "never";
  read_section(spec, "train", config);
  config.check();
  return config;
}

std::shared_ptr<model::CausalLM> load(const Json& spec, const train::TrainConfig& config,
                                      torch::Device device) {
  auto model = model::load_model(spec.at("model").get<std::string>(), dtype_of(spec), device,
                                 config.base_format());
  if (config.lora_rank > 0) {
    model::add_lora(*model, {.rank = config.lora_rank,
                             .alpha = config.lora_alpha,
                             .dropout = config.lora_dropout,
                             .targets = config.lora_targets,
                             .seed = static_cast<uint64_t>(config.seed)});
  }
  runtime::trim_host_memory();
  return model;
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void say(const Json& line) { std::cout << line.dump() << std::endl; }

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

void run(const Json& spec) {
  if (spec.value("arena", true)) runtime::use_arena_for_host_tensors();
  const torch::Device device = device_of(spec);
  const train::TrainConfig config = train_config(spec);
  const auto model = load(spec, config, device);
  const Json rows = read_json(spec.at("examples").get<std::string>());
  const auto forget = read_examples(rows.at("forget"), "forget");
  const auto retain = read_examples(rows.at("retain"), "retain");
  const auto loss = losses::find_method(spec.at("method").get<std::string>()).make();
  read_section(spec, "options", *loss);

  const fs::path folder_path = spec.at("folder").get<std::string>();
  train::RunFolder folder(folder_path, train::ExistingOutput::kRefuse);
  train::TrainerInputs inputs{.model = model.get(),
                              .loss = loss.get(),
                              .data = {&forget, loss->needs().retain ? &retain : nullptr, nullptr},
                              .pairing = data::Pairing::kCyclic,
                              .config = config};
  std::optional<scoring::ReferenceCache> reference;
  if (const auto needs = train::reference_needs(inputs); needs.any()) {
    reference = scoring::ReferenceCache::open_or_build(
        folder_path / "reference", *model, "bench", needs,
        config.batch_tokens.value_or(runtime::kTrainingTokens.on(device)));
    inputs.reference = &*reference;
  }
  StepClock clock(device);
  train::Trainer trainer(inputs, folder, {.on_step = [&](const train::StepRecord& record, int64_t) {
                           Json line = record.to_json();
                           clock.add_to(line);
                           line.update(peaks(device));
                           say(line);
                           clock.wait_and_start();
                         }});
  Json ready = peaks(device);
  ready["ready"] = true;
  say(ready);
  clock.wait_and_start();
  trainer.run();
}

}  // namespace
}  // namespace unlearn

int main(int argc, char** argv) {
  try {
    if (argc != 2) unlearn::user_error("usage: train_steps SPEC.json");
    unlearn::run(unlearn::read_json(argv[1]));
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
}
