// People's own questions and answers: JSONL files.
#include "benchmarks/own_audit.h"
#include "benchmarks/qa/module.h"
#include "unlearn/eval/own_data.h"

namespace unlearn::benchmarks::qa {

data::Layout layout() {
  return {.find_file = data::named_file,
          .read = data::qa_split,
          .has_questions = true,
          .refuses_repeats = true};
}

Benchmark make_benchmark() {
  return {
      .info = {"qa", "your own questions and answers: JSONL, CSV or TSV with question and answer"},
      .layout = layout(),
      .reads_template = true,
      .is_own_data = true,
      .make_evaluation = make_evaluation,
      .offer = eval::own_data::offer,
      .audit = own_audit(audit_questions),
      .file_prefix = eval::own_data::kFilePrefix};
}

}  // namespace unlearn::benchmarks::qa
