// What an audit reads of a MUSE evaluation, and the questions it asks in other words.
#include "benchmarks/muse/module.h"
#include "benchmarks/muse/questions.h"
#include "benchmarks/row_number.h"
#include "unlearn/core/error.h"

namespace unlearn::benchmarks::muse {
namespace {

std::optional<eval::Questions> audit_questions(const eval::EvaluationInputs& inputs) {
  const auto corpus = muse_corpus_folder(inputs.data.root, inputs.data.forget);
  const auto rows = read_knowmem(corpus, "forget", inputs.config.rows);
  eval::Questions questions{.prompt_template = data::named_template("none")};
  // The examples stand in front of every question (KnowMem is asked with a few of them).
  const std::string& prompt = rows.front().prompt;
  const size_t place = prompt.rfind(rows.front().question);
  UNLEARN_CHECK(place != std::string::npos, prompt);
  questions.prompt_template.name = "knowmem";
  questions.prompt_template.question_start = prompt.substr(0, place);
  questions.prompt_template.question_end = prompt.substr(place + rows.front().question.size());
  questions.limits = knowmem_limits();
  for (const MusePrompt& row : rows) {
    questions.forget.push_back({row.row, row.question, row.truth});
  }
  for (const MusePrompt& row : read_knowmem(corpus, "retain", inputs.config.rows)) {
    questions.retain.push_back({row.row, row.question, row.truth});
  }
  return questions;
}

}  // namespace

AuditSupport audit_support() {
  return {.knowledge = {{"knowmem", "forget_knowmem_ROUGE", number_of_row<"rougeL_f1">},
                        {"verbmem", "forget_verbmem_ROUGE", number_of_row<"rougeL_f1">}},
          .metrics = {"knowmem", "verbmem"},
          .utility = value_of_metric<"retain_knowmem_ROUGE">,
          .questions = audit_questions};
}

}  // namespace unlearn::benchmarks::muse
