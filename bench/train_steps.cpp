// A training run under remote control, for paired timings: reads a JSON specification, loads the
// model, prints {"ready": true}, and then takes one optimizer step of the real trainer per line on
// stdin, answering with one JSON line. Ends when stdin does or the run is over.
//   train_steps SPEC.json
// SPEC: {"model": DIR, "examples": FILE, "method": NAME, "options": {…}, "batch_size": N,
//        "lr": X, "steps": N, "folder": DIR}, "train": {…} for further settings of `train:`,
//        "arena": false for tensors from the C library's heap.
// FILE: {"forget": [{"tokens": […], "labels": […]}], "retain": […]}.
#include <ctime>
#include <iostream>

#include "train/token_rows.h"
#include "unlearn/config/settings.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/strings.h"
#include "unlearn/model/host_arena.h"
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

void run(const Json& spec) {
  if (spec.value("arena", true)) model::use_arena_for_host_tensors();
  const auto model =
      model::load_model(spec.at("model").get<std::string>(), torch::kFloat32, torch::kCPU);
  model::trim_host_memory();
  const Json rows = read_json(spec.at("examples").get<std::string>());
  const auto forget = read_examples(rows.at("forget"), "forget");
  const auto retain = read_examples(rows.at("retain"), "retain");
  const auto loss = losses::find_method(spec.at("method").get<std::string>()).make();
  read_section(spec, "options", *loss);
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

  const fs::path folder_path = spec.at("folder").get<std::string>();
  train::RunFolder folder(folder_path, train::ExistingOutput::kRefuse);
  train::TrainerInputs inputs{.model = model.get(),
                              .loss = loss.get(),
                              .data = {&forget, loss->needs().retain ? &retain : nullptr, nullptr},
                              .pairing = data::Pairing::kCyclic,
                              .config = config};
  std::optional<scoring::ReferenceCache> reference;
  if (const auto needs = train::reference_needs(inputs); needs.any()) {
    reference =
        scoring::ReferenceCache::open_or_build(folder_path / "reference", *model, "bench", needs,
                                               train::default_batch_tokens(torch::kCPU));
    inputs.reference = &*reference;
  }
  double before = 0;
  const auto go = [&] {
    if (!wait_for_go()) std::exit(0);
    before = cpu_seconds();
  };
  train::Trainer trainer(inputs, folder, {.on_step = [&](const train::StepRecord& record, int64_t) {
                           const double used = cpu_seconds() - before;
                           Json line = record.to_json();
                           line["cpu_seconds"] = used;
                           line["peak_bytes"] = train::peak_host_bytes();
                           say(line);
                           go();
                         }});
  say({{"ready", true}, {"peak_bytes", train::peak_host_bytes()}});
  go();
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
