// Rows of people's own data, as every reader takes them.
#include "fuzz.h"
#include "unlearn/data/rows.h"

FUZZ_TARGET(rows) {
  namespace data = unlearn::data;
  using unlearn::fuzz::attempt;
  const auto file = unlearn::fuzz::scratch_file("rows.jsonl", input);
  attempt([&] { data::read_qa_rows(file); });
  attempt([&] { data::read_alternate_rows(file, "question", "alternate"); });
  attempt([&] { data::read_lines(file); });
  attempt([&] { data::read_plain_text(file); });
}
