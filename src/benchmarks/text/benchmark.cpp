// People's own texts: plain text files, or JSONL.
#include "benchmarks/own_audit.h"
#include "benchmarks/text/module.h"
#include "unlearn/eval/own_data.h"

namespace unlearn::benchmarks::text {

data::Layout layout() {
  return {.find_file = data::named_file,
          .read = data::text_split,
          .compares_lines = true,
          .refuses_repeats = true};
}

Benchmark make_benchmark() {
  return {.info = {"text", "your own texts: plain text, or JSONL, CSV or TSV with text"},
          .layout = layout(),
          .make_evaluation = make_evaluation,
          .offer = eval::own_data::offer,
          .audit = own_audit(nullptr),  // windows of texts are asked in no other words
          .file_prefix = eval::own_data::kFilePrefix};
}

}  // namespace unlearn::benchmarks::text
