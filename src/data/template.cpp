#include "unlearn/data/template.h"

#include "unlearn/core/error.h"
#include "unlearn/core/python_text.h"
#include "unlearn/data/chat_template.h"

namespace unlearn::data {
namespace {

// Prompt pieces of the families: plain ones from locuslab/tofu (config/model_config.yaml), chat
// ones as open-unlearning (configs/model/*.yaml) renders each family's chat template.
const std::vector<Template>& all_templates() {
  static const std::string kSystem = "You are a helpful assistant.";
  static const std::vector<Template> templates = {
      {"llama2", "[INST] ", " [/INST]", "", false},
      {"phi", "Question: ", "\n", "Answer: ", false},
      {"phi_ou", "Question: ", "\n", "Answer: ", true},  // as open-unlearning masks and ends it
      {"llama3",
       "<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
       "Today Date: 10 Apr 2025\n\n" +
           kSystem + "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n",
       "<|eot_id|>", "<|start_header_id|>assistant<|end_header_id|>\n\n", true, "<|eot_id|>", true,
       Trim::kBothEnds},
      {"qwen2", "<|im_start|>system\n" + kSystem + "<|im_end|>\n<|im_start|>user\n", "<|im_end|>\n",
       "<|im_start|>assistant\n", true, "<|im_end|>\n"},
      // Qwen3's own, without thinking: no system text unless there is one. Its last new line is
      // left out, which no generation reaches: EOS, the end of the turn, is there once.
      {"qwen3", "<|im_start|>user\n", "<|im_end|>\n",
       "<|im_start|>assistant\n<think>\n\n</think>\n\n", true, "<|im_end|>", true,
       Trim::kAnswersNewlines},
      {"phi3", "<|system|>\n" + kSystem + "<|end|>\n<|user|>\n", "<|end|>\n", "<|assistant|>\n",
       true, "<|end|>\n"},
      {"zephyr", "<|system|>\n" + kSystem + "</s>\n<|user|>\n", "</s>\n", "<|assistant|>\n", true,
       "</s>\n", false},
      {"gemma", "<start_of_turn>user\n", "<end_of_turn>\n", "<start_of_turn>model\n", true,
       "<end_of_turn>\n", true, Trim::kBothEnds},
      {"none", "", "", "", false},
  };
  return templates;
}

}  // namespace

std::string Template::prompt(const std::string& question, bool tag) const {
  if (chat) return chat->prompt(question);
  std::string text = question_start;
  text += trim == Trim::kBothEnds ? python_strip(question) : std::string_view(question);
  text += question_end;
  return tag ? text + answer_tag : text;
}

std::string Template::rendered_answer(const std::string& answer) const {
  if (trim == Trim::kBothEnds) return std::string(python_strip(answer));
  if (trim == Trim::kNone) return answer;
  const size_t begin = answer.find_first_not_of('\n');
  return begin == std::string::npos ? "" : answer.substr(begin);
}

std::string Template::conversation(const std::string& question, const std::string& answer) const {
  if (chat) return chat->conversation(question, answer);
  return prompt(question, /*tag=*/true) + rendered_answer(answer) + answer_end;
}

Template Template::after(const std::vector<Turn>& earlier) const {
  if (earlier.empty()) return *this;
  if (!chat) {
    user_error("turns before the question (", earlier.front().role, ") have no place in template ",
               name, "; --set model.template=chat takes the model folder's own chat template");
  }
  Template result = *this;
  result.chat = std::make_shared<ChatTemplate>(chat->after(earlier));
  return result;
}

std::vector<std::string> template_names() {
  std::vector<std::string> names;
  for (const Template& item : all_templates()) names.push_back(item.name);
  return names;
}

Template named_template(const std::string& name) {
  for (const Template& item : all_templates()) {
    if (item.name == name) return item;
  }
  user_error("model.template: unknown template '", name, "'", did_you_mean(name, template_names()),
             "; known: auto, chat (the folder's own), ", join(template_names(), ", "));
}

Template template_from_json(const Json& map) {
  Template result;
  result.name = "custom";
  if (!map.is_object()) user_error("model.template: a name or a map is needed");
  const std::pair<const char*, std::string*> fields[] = {{"question_start", &result.question_start},
                                                         {"question_end", &result.question_end},
                                                         {"answer_tag", &result.answer_tag}};
  for (const auto& [key, value] : map.items()) {
    std::string* target = nullptr;
    for (const auto& [name, field] : fields) {
      if (key == name) target = field;
    }
    if (target == nullptr) {
      user_error("model.template: unknown key '", key,
                 "'; a template is {question_start, question_end, answer_tag}");
    }
    if (value.is_null()) continue;  // "answer_tag:", a part left empty
    if (!value.is_string())
      user_error("model.template.", key, ": text is needed, not ", value.dump());
    *target = value.get<std::string>();
  }
  return result;
}

}  // namespace unlearn::data
