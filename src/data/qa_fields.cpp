#include "unlearn/data/qa_fields.h"

#include <algorithm>

#include "unlearn/core/error.h"
#include "unlearn/data/rows.h"

namespace unlearn::data {
namespace {

constexpr const char* kQuestion = "question";
constexpr const char* kAnswer = "answer";
constexpr const char* kMessages = "messages";

bool has_field(const Json& value, const std::string& key) {
  return value.is_object() && value.contains(key);
}

bool has_default_names(const std::string& question_key, const std::string& answer_key) {
  return question_key == kQuestion && answer_key == kAnswer;
}

Turn turn_of(const Json& message, size_t index) {
  const std::string place = cat("field 'messages', turn ", index);
  if (!has_field(message, "role") || !has_field(message, "content")) {
    user_error(place, ": needs role and content");
  }
  const Json& role = message["role"];
  const Json& content = message["content"];
  if (!role.is_string() || !content.is_string()) {
    user_error(place, ": role and content must be text");
  }
  Turn turn{role.get<std::string>(), content.get<std::string>()};
  if (!is_valid_utf8(turn.content)) user_error(place, ": is not valid UTF-8");
  if (turn.role != "system" && turn.role != "user" && turn.role != "assistant") {
    user_error(place, ": the role must be system, user or assistant, not '", turn.role, "'");
  }
  return turn;
}

QaRow conversation_row(const Json& value, int64_t row) {
  const Json& messages = value[kMessages];
  if (!messages.is_array()) user_error("field 'messages' must be a list of {role, content}");
  std::vector<Turn> turns;
  for (size_t i = 0; i < messages.size(); ++i) turns.push_back(turn_of(messages[i], i));
  const size_t count = turns.size();
  if (count < 2 || turns[count - 1].role != "assistant" || turns[count - 2].role != "user") {
    user_error("field 'messages' must end with a turn of the user and the assistant's answer");
  }
  QaRow result{turns[count - 2].content, turns[count - 1].content, row};
  if (trim(result.question).empty()) user_error("field 'messages': the last question is empty");
  if (trim(result.answer).empty()) user_error("field 'messages': the last answer is empty");
  turns.resize(count - 2);
  result.earlier = std::move(turns);
  return result;
}

// The first of the names that the row has; the first of all where it has none.
std::string first_field(const Json& value, const std::vector<std::string>& names) {
  const auto found = std::find_if(names.begin(), names.end(),
                                  [&](const std::string& name) { return value.contains(name); });
  return found == names.end() ? names.front() : *found;
}

QaRow instruction_row(const Json& value, int64_t row) {
  QaRow result{text_field(value, "instruction"),
               text_field(value, first_field(value, {"output", "response"})), row};
  const auto input = value.find("input");
  if (input == value.end() || input->is_null()) return result;
  if (!input->is_string()) user_error("field 'input' must be text");
  const bool is_empty = trim(input->get<std::string>()).empty();
  if (!is_empty) result.question += cat("\n\n", text_field(value, "input"));
  return result;
}

[[noreturn]] void refuse_row(const Json& value) {
  if (!value.is_object()) user_error("a JSON object with a question and an answer is needed");
  std::vector<std::string> keys;
  for (const auto& [name, field] : value.items()) keys.push_back(name);
  user_error("no field 'question'; the row has ", join(keys, ", "),
             "; known are question and answer, prompt and completion, instruction and output, ",
             "messages; name others as data.forget_keys (or retain_keys): QUESTION,ANSWER");
}

void add_paraphrases(const Json& value, QaRow& row) {
  if (has_field(value, "paraphrased_question")) {
    row.paraphrases.push_back(text_field(value, "paraphrased_question"));
  }
  const auto found = value.find("paraphrases");
  if (found == value.end() || found->is_null()) return;
  if (!found->is_array()) {
    if (*found == "") return;  // an empty field of a CSV file
    row.paraphrases.push_back(text_field(value, "paraphrases"));
    return;
  }
  for (const Json& one : *found) {
    row.paraphrases.push_back(text_field(Json{{"paraphrases", one}}, "paraphrases"));
  }
}

QaRow fields_row(const Json& value, const std::string& question_key, const std::string& answer_key,
                 int64_t row) {
  if (!has_default_names(question_key, answer_key) || has_field(value, kQuestion)) {
    return {text_field(value, question_key), text_field(value, answer_key), row};
  }
  if (has_field(value, "prompt")) {
    return {text_field(value, "prompt"),
            text_field(value, first_field(value, {"completion", "response", kAnswer})), row};
  }
  if (has_field(value, "instruction")) return instruction_row(value, row);
  if (has_field(value, kMessages)) return conversation_row(value, row);
  refuse_row(value);
}

}  // namespace

QaRow qa_row(const Json& value, const std::string& question_key, const std::string& answer_key,
             int64_t row) {
  QaRow result = fields_row(value, question_key, answer_key, row);
  add_paraphrases(value, result);
  return result;
}

bool has_question(const Json& value, const std::string& question_key,
                  const std::string& answer_key) {
  if (has_field(value, question_key)) return true;
  if (!has_default_names(question_key, answer_key)) return false;
  return has_field(value, "prompt") || has_field(value, "instruction") ||
         has_field(value, kMessages);
}

}  // namespace unlearn::data
