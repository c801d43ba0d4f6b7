#include "unlearn/benchmarks/registry.h"

namespace unlearn::benchmarks {

#define BENCHMARK(name) Benchmark benchmark_##name();
#include "benchmarks/benchmarks.def"
#undef BENCHMARK

const std::vector<Benchmark>& registered_benchmarks() {
  static const std::vector<Benchmark> benchmarks = {
#define BENCHMARK(name) benchmark_##name(),
#include "benchmarks/benchmarks.def"
#undef BENCHMARK
  };
  return benchmarks;
}

}  // namespace unlearn::benchmarks
