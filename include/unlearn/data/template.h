// The text around a question and its answer: by family, by the user, or by the model folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "unlearn/core/json.h"
#include "unlearn/data/turn.h"

namespace unlearn::data {

// What a chat template does to the questions and answers themselves.
enum class Trim {
  kNone,
  kBothEnds,         // `| trim` of Llama-3's and Gemma's: both, as Python's str.strip()
  kAnswersNewlines,  // Qwen3's: new lines before an answer
};

class ChatTemplate;

// The text around a question and its answer:
// question_start + question + question_end + answer_tag + answer.
struct Template {
  std::string name;  // "phi", "llama2", …, "custom", "none"
  std::string question_start;
  std::string question_end;
  std::string answer_tag;
  // true: tokenised, masked and ended as the chat templates of open-unlearning do (answer_tag is
  // masked); false: the TOFU repository's rule (only question_start+question+question_end masked).
  bool mask_answer_tag = false;
  std::string answer_end = "";  // closes the assistant's turn before EOS ("<|im_end|>\n")
  // false: a BOS that the tokenizer would put before the text is left out, as the chat template of
  // the family has none (zephyr).
  bool add_special = true;
  Trim trim = Trim::kNone;
  // The model folder's own chat template, which then makes the whole text; null: the parts above.
  std::shared_ptr<const ChatTemplate> chat = nullptr;

  // The text up to the answer; `tag`: with answer_tag.
  std::string prompt(const std::string& question, bool tag) const;
  // The answer as it stands in the rendered text, without answer_end.
  std::string rendered_answer(const std::string& answer) const;
  // The whole text.
  std::string conversation(const std::string& question, const std::string& answer) const;
  // The template that puts these turns in front of the question. UserError where there are some and
  // this is no chat template of a model folder, which alone has a place for them.
  Template after(const std::vector<Turn>& earlier) const;
};

// A template by name; UserError lists the names.
Template named_template(const std::string& name);
std::vector<std::string> template_names();
// One's own template from a map {question_start, question_end, answer_tag}; UserError for other
// keys.
Template template_from_json(const Json& map);

}  // namespace unlearn::data
