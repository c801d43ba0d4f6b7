#include <algorithm>

#include "unlearn/benchmarks/benchmark.h"
#include "unlearn/core/error.h"

namespace unlearn::benchmarks {

#define BENCHMARK(name)       \
  namespace name {            \
  Benchmark make_benchmark(); \
  }
#include "benchmarks/benchmarks.def"
#undef BENCHMARK

namespace {

template <class Has>
std::vector<std::string> names_where(const Has& has) {
  std::vector<std::string> names;
  for (const Benchmark& benchmark : registered_benchmarks()) {
    if (has(benchmark)) names.push_back(benchmark.info.name);
  }
  return names;
}

}  // namespace

const std::vector<Benchmark>& registered_benchmarks() {
  static const std::vector<Benchmark> benchmarks = {
#define BENCHMARK(name) name::make_benchmark(),
#include "benchmarks/benchmarks.def"
#undef BENCHMARK
  };
  return benchmarks;
}

const Benchmark* find_benchmark(const std::string& name) {
  const auto& all = registered_benchmarks();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Benchmark& benchmark) {
    return benchmark.info.name == name;
  });
  return found == all.end() ? nullptr : &*found;
}

std::vector<std::string> benchmark_names() {
  return names_where([](const Benchmark&) { return true; });
}

std::unique_ptr<eval::BenchmarkEvaluation> make_evaluation(const std::string& benchmark,
                                                           const eval::EvaluationInputs& inputs) {
  const Benchmark* found = find_benchmark(benchmark);
  if (found != nullptr && found->make_evaluation != nullptr) return found->make_evaluation(inputs);
  const std::vector<std::string> names =
      names_where([](const Benchmark& known) { return known.make_evaluation != nullptr; });
  user_error("no evaluation for benchmark '", benchmark, "'", did_you_mean(benchmark, names),
             "; known: ", join(names, ", "));
}

void DataSection::visit(config::FieldVisitor& visitor) {
  visitor.field(
      "benchmark", benchmark,
      {.help = "a published benchmark, or your own data: qa (JSONL with question/answer), "
               "text (plain text or JSONL with text)",
       .choices = benchmark_names()});
  DataConfig::visit(visitor);
}

const Benchmark& DataSection::chosen() const {
  const Benchmark* found = find_benchmark(benchmark);
  UNLEARN_CHECK(found != nullptr, benchmark);
  return *found;
}

}  // namespace unlearn::benchmarks
