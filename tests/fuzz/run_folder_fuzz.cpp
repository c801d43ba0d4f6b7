// What `unlearn report` reads of a run: run.json, metrics.jsonl, settings, an evaluation; and the
// page of a verdict.
#include "fuzz.h"
#include "unlearn/core/json.h"
#include "unlearn/report/run_summary.h"
#include "unlearn/report/verdict_page.h"

FUZZ_TARGET(run_folder) {
  const auto folder = unlearn::fuzz::scratch_folder();
  static const bool has_folder = std::filesystem::create_directories(folder / "eval");
  if (!has_folder) return;
  const auto parts = unlearn::fuzz::parts_of(input, 5);
  unlearn::fuzz::scratch_file("run.json", parts[0]);
  unlearn::fuzz::scratch_file("metrics.jsonl", parts[1]);
  unlearn::fuzz::scratch_file("config.resolved.yaml", parts[2]);
  unlearn::fuzz::scratch_file("eval/TOFU_SUMMARY.json", parts[3]);
  unlearn::fuzz::scratch_file("eval/TOFU_EVAL.json", parts[4]);
  unlearn::fuzz::attempt([&] { unlearn::report::read_run_summary(folder); });
  unlearn::fuzz::attempt(
      [&] { unlearn::report::verdict_page(unlearn::parse_json(parts[0], "verdict.json")); });
}
