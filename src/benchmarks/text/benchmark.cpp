// People's own texts: plain text files, or JSONL.
#include "unlearn/benchmarks/benchmark.h"

namespace unlearn::benchmarks::text {

Benchmark make_benchmark() {
  return {
      .info = {"text", "your own texts: plain text, or JSONL with text"},
      .layout = {.find_file = data::named_file, .read = data::text_split, .compares_lines = true}};
}

}  // namespace unlearn::benchmarks::text
