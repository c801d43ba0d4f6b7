// Rows of data files, read and checked at the door.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "unlearn/core/json.h"
#include "unlearn/data/turn.h"

namespace unlearn::data {

// A non-empty, valid UTF-8 text field; UserError names the key, and the caller adds file and row.
std::string text_field(const Json& row, const std::string& key);

// One question-answer row of a file.
struct QaRow {
  std::string question;
  std::string answer;
  int64_t row = 0;
  std::vector<Turn> earlier = {};             // before the question
  std::vector<std::string> paraphrases = {};  // of the question, the user's own
};

// Reads the rows of a file (row_file.h); `question_key`/`answer_key` name the two text fields.
// Where they are "question" and "answer" and a row has no such field, prompt and completion (or
// response, answer), instruction with input and output, or messages are taken (qa_fields.h).
// UserError "<file>: row <n>: …" for a missing, empty or non-text field; for an empty file.
std::vector<QaRow> read_qa_rows(const std::filesystem::path& file,
                                const std::string& question_key = "question",
                                const std::string& answer_key = "answer");

// A row's question with its alternative answers; one text or a list of them in the file.
struct AlternateRow {
  QaRow row;  // without an answer
  std::vector<std::string> answers;
};
// UserError "<file>: row <n>: …" for a row without an alternative answer.
std::vector<AlternateRow> read_alternate_rows(const std::filesystem::path& file,
                                              const std::string& question_key,
                                              const std::string& alternate_key);

// A whole plain-text file (read_text_file). UserError for invalid UTF-8, and for a file that holds
// rows: JSON, or separated values with a field `column`.
std::string read_plain_text(const std::filesystem::path& file, const std::string& column = "text");

// Its non-empty lines. UserError when there is none.
std::vector<std::string> read_lines(const std::filesystem::path& file);

}  // namespace unlearn::data
