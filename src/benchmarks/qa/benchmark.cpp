// People's own questions and answers: JSONL files.
#include "unlearn/benchmarks/benchmark.h"

namespace unlearn::benchmarks::qa {

Benchmark make_benchmark() {
  return {.info = {"qa", "your own questions and answers: JSONL with question and answer"},
          .layout = {.find_file = data::named_file, .read = data::qa_split, .has_questions = true},
          .reads_template = true,
          .is_own_data = true};
}

}  // namespace unlearn::benchmarks::qa
