#include <algorithm>

#include "unlearn/benchmarks/benchmark.h"
#include "unlearn/core/error.h"
#include "unlearn/eval/tasks.h"

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

// A key of a report has one meaning.
void check_task_names(const Benchmark& benchmark, const eval::EvalConfig& config) {
  for (const eval::tasks::Task& task : eval::tasks::registered_tasks()) {
    const auto named = config.tasks.find(task.name);
    if (named == config.tasks.end() || named->second.empty()) continue;
    for (const metrics::Metric& metric : benchmark.offer(config).own) {
      for (const std::string& key : eval::tasks::report_keys(task)) {
        if (std::find(metric.keys.begin(), metric.keys.end(), key) == metric.keys.end()) continue;
        user_error("eval.tasks.", task.name, ": the evaluation of ", benchmark.info.name,
                   " reports ", key, " itself; leave the task out");
      }
    }
  }
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
  if (found != nullptr && found->make_evaluation != nullptr) {
    check_task_names(*found, inputs.config);
    return eval::tasks::with_tasks(found->make_evaluation(inputs), inputs);
  }
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
