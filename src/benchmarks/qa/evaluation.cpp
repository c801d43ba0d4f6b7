// The rows of an evaluation: as training reads them, with what it holds out.
#include <unordered_map>

#include "benchmarks/qa/module.h"
#include "unlearn/core/error.h"
#include "unlearn/data/rows.h"
#include "unlearn/data/splits.h"
#include "unlearn/eval/own_data.h"

namespace unlearn::benchmarks::qa {
namespace {

std::vector<data::QaRow> rows_in(const data::DataConfig& config, const data::Split& split) {
  std::unordered_map<int64_t, data::QaRow> by_number;
  for (data::QaRow& row : data::read_qa_rows(split.file, config.question_key, config.answer_key)) {
    by_number[row.row] = std::move(row);
  }
  std::vector<data::QaRow> rows;
  for (const data::Example& example : split.examples) rows.push_back(by_number.at(example.row));
  return rows;
}

eval::own_data::OwnRows read_rows(const eval::EvaluationInputs& inputs) {
  const data::DataConfig& config = inputs.data;
  const bool has_retain = config.retain != "auto" && config.retain != "none";
  const data::Splits splits =
      data::load_splits(config, layout(), {.forget = true, .retain = has_retain}, inputs.tokenizer,
                        inputs.prompt_template, inputs.vocab_size);
  eval::own_data::OwnRows rows;
  rows.prompt_template = inputs.prompt_template;
  rows.forget = rows_in(data::keys_of(config, "forget"), *splits.forget);
  const data::DataConfig retain_config = data::keys_of(config, "retain");
  if (splits.retain) rows.seen = rows_in(retain_config, *splits.retain);
  if (splits.held_out) rows.held_out = rows_in(retain_config, *splits.held_out);
  const std::string& holdout = inputs.config.holdout;
  if (!holdout.empty()) {
    rows.non_members = data::read_qa_rows(holdout, config.question_key, config.answer_key);
  }
  return rows;
}

}  // namespace

std::optional<eval::Questions> audit_questions(const eval::EvaluationInputs& inputs) {
  const eval::own_data::OwnRows rows = read_rows(inputs);
  eval::Questions questions{.prompt_template = rows.prompt_template};
  questions.max_length = inputs.config.max_length.value_or(inputs.data.max_length);
  questions.limits = {inputs.config.max_new_tokens, inputs.config.max_total_tokens.value_or(0), {}};
  const auto add = [&](const std::vector<data::QaRow>& from, std::vector<eval::AskedRow>& to) {
    for (const data::QaRow& row : from) {
      if (inputs.config.rows > 0 && static_cast<int64_t>(to.size()) == inputs.config.rows) return;
      if (!row.earlier.empty()) continue;  // other words need the turns before them
      to.push_back({row.row, row.question, row.answer,
                    row.paraphrases.empty() ? "" : row.paraphrases.front()});
    }
  };
  add(rows.forget, questions.forget);
  add(rows.seen, questions.retain);
  if (questions.forget.empty()) return std::nullopt;
  return questions;
}

std::unique_ptr<eval::BenchmarkEvaluation> make_evaluation(const eval::EvaluationInputs& inputs) {
  return eval::own_data::make_evaluation(inputs, read_rows);
}

}  // namespace unlearn::benchmarks::qa
