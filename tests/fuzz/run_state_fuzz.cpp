// What a resumed run reads before any tensor: run.json, metrics.jsonl, a checkpoint's manifest and
// state.json.
#include "fuzz.h"
#include "unlearn/core/manifest.h"
#include "unlearn/train/checkpoint.h"
#include "unlearn/train/resume.h"

FUZZ_TARGET(run_state) {
  using namespace unlearn;
  const auto folder = fuzz::scratch_folder() / "run";
  const auto checkpoint = folder / "checkpoints/step-3";
  static const bool has_folder = std::filesystem::create_directories(checkpoint);
  if (!has_folder) return;
  const auto parts = fuzz::parts_of(input, 4);
  fuzz::scratch_file("run/run.json", parts[0]);
  fuzz::scratch_file("run/metrics.jsonl", parts[1]);
  fuzz::scratch_file("run/checkpoints/step-3/state.json", parts[2]);
  static const auto done = fuzz::scratch_file("run/checkpoints/step-3/DONE", "");
  if (parts[3].empty()) {
    fuzz::remove_scratch_file(cat("run/checkpoints/step-3/", Manifest::kName));
  } else {
    fuzz::scratch_file(cat("run/checkpoints/step-3/", Manifest::kName), parts[3]);
  }
  fuzz::attempt([&] { train::read_training_state(checkpoint); });
  fuzz::attempt([&] { train::check_resumable(checkpoint, {{"seed", 42}}); });
  fuzz::attempt([&] { train::RunFolder::check(folder, train::ExistingOutput::kResume); });
  fuzz::attempt([&] {
    const auto run = train::RunFolder::for_reading(folder);
    train::newest_whole_checkpoint(run);
  });
}
