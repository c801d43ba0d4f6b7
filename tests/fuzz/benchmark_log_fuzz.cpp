// A stored evaluation as each benchmark reads and recomputes it (`unlearn metrics`).
#include "fuzz.h"
#include "unlearn/benchmarks/benchmark.h"

FUZZ_TARGET(benchmark_log) {
  const std::string file = unlearn::fuzz::scratch_file("log.json", input).string();
  for (const auto& benchmark : unlearn::benchmarks::registered_benchmarks()) {
    if (benchmark.recompute == nullptr) continue;
    for (const std::string& retain : {std::string(), file}) {
      unlearn::fuzz::attempt([&] { benchmark.recompute({.log = file, .retain_log = retain}); });
    }
  }
}
