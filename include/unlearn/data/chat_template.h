// A model folder's own chat template (Jinja), rendered as transformers' apply_chat_template does.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "unlearn/core/json.h"
#include "unlearn/data/turn.h"
#include "unlearn/jinja/template.h"

namespace unlearn::data {

// Where a folder keeps its chat template; an empty text where it has none.
struct ChatSource {
  std::filesystem::path file;
  std::string jinja;
};
// chat_template.jinja, else "chat_template" in chat_template.json or tokenizer_config.json (of a
// list of them the one named "default"). UserError when a file is malformed.
ChatSource find_chat_template(const std::filesystem::path& folder);

class ChatTemplate {
 public:
  // `special`: "bos_token", "eos_token", … as texts. UserError for what the Jinja subset does not
  // know.
  ChatTemplate(const ChatSource& source, Json special);

  // A user's message with the generation prompt. Templates that can think are asked not to
  // (enable_thinking: false).
  std::string prompt(const std::string& question) const;
  // The same template with turns in front of every message.
  ChatTemplate after(const std::vector<Turn>& earlier) const;
  // The message and its answer.
  std::string conversation(const std::string& question, const std::string& answer) const;

 private:
  std::string render(const Json& messages, bool generation_prompt) const;

  std::shared_ptr<const jinja::Template> template_;
  Json special_;
  Json earlier_ = Json::array();  // messages
};

// The template of a folder that has one, with the special tokens its files name.
std::shared_ptr<const ChatTemplate> load_chat_template(const std::filesystem::path& folder);

}  // namespace unlearn::data
