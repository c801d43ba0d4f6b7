// The shapes in which rows of questions and answers come.
#pragma once

#include <string>

#include "unlearn/core/json.h"
#include "unlearn/data/rows.h"

namespace unlearn::data {

// The question and answer of one row: the fields of these names; where the names are "question" and
// "answer" and the row has no question, the first of these that it has:
//   prompt, with completion, response or answer;
//   instruction, with input (may be empty) and output or response;
//   messages: [{role, content}, …], of which the last is the assistant's and its answer, the one
//   before it the user's and the question, and what stands before that are earlier turns.
// A field "paraphrases" (a text or a list) or "paraphrased_question" holds the question in the
// user's other words. UserError for a row of no such shape, which lists its fields.
QaRow qa_row(const Json& value, const std::string& question_key, const std::string& answer_key,
             int64_t row);

// Whether a row has the fields of a question and an answer in one of these shapes.
bool has_question(const Json& value, const std::string& question_key,
                  const std::string& answer_key);

}  // namespace unlearn::data
