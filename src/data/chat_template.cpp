#include "unlearn/data/chat_template.h"

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn::data {
namespace fs = std::filesystem;
namespace {

// The text of a "chat_template" entry: a string, or a list of {name, template} with a default.
std::string chat_entry(const Json& config) {
  const auto entry = config.is_object() ? config.find("chat_template") : config.end();
  if (entry == config.end()) return "";
  if (entry->is_string()) return entry->get<std::string>();
  if (!entry->is_array()) return "";
  for (const Json& item : *entry) {
    if (!item.is_object() || item.value("name", Json()) != "default") continue;
    const auto text = item.find("template");
    if (text != item.end() && text->is_string()) return text->get<std::string>();
  }
  return "";
}

// "eos_token": "</s>", or an added token with its content.
void add_special_tokens(const fs::path& file, Json& special) {
  if (!fs::exists(file)) return;
  const Json names = read_json(file);
  if (!names.is_object()) return;
  for (const char* key : {"bos_token", "eos_token", "unk_token", "pad_token", "sep_token",
                          "cls_token", "mask_token"}) {
    const auto entry = names.find(key);
    if (entry == names.end() || special.contains(key)) continue;
    if (entry->is_string()) special[key] = *entry;
    if (!entry->is_object()) continue;
    const auto content = entry->find("content");
    if (content != entry->end() && content->is_string()) special[key] = *content;
  }
}

}  // namespace

ChatSource find_chat_template(const fs::path& folder) {
  const fs::path own = folder / "chat_template.jinja";
  if (fs::exists(own)) return {own, read_file(own)};
  for (const char* name : {"chat_template.json", "tokenizer_config.json"}) {
    const fs::path file = folder / name;
    if (!fs::exists(file)) continue;
    std::string jinja = chat_entry(read_json(file));
    if (!jinja.empty()) return {file, std::move(jinja)};
  }
  return {};
}

ChatTemplate::ChatTemplate(const ChatSource& source, Json special)
    : template_(std::make_shared<jinja::Template>(source.jinja, source.file.string())),
      special_(std::move(special)) {}

ChatTemplate ChatTemplate::after(const std::vector<Turn>& earlier) const {
  ChatTemplate result = *this;
  for (const Turn& turn : earlier) {
    result.earlier_.push_back({{"role", turn.role}, {"content", turn.content}});
  }
  return result;
}

std::string ChatTemplate::prompt(const std::string& question) const {
  return render(Json::array({{{"role", "user"}, {"content", question}}}), true);
}

std::string ChatTemplate::conversation(const std::string& question,
                                       const std::string& answer) const {
  return render(Json::array({{{"role", "user"}, {"content", question}},
                             {{"role", "assistant"}, {"content", answer}}}),
                false);
}

std::string ChatTemplate::render(const Json& messages, bool generation_prompt) const {
  Json variables = special_;
  variables["messages"] = earlier_;
  for (const Json& message : messages) variables["messages"].push_back(message);
  variables["add_generation_prompt"] = generation_prompt;
  variables["enable_thinking"] = false;
  return template_->render(variables);
}

std::shared_ptr<const ChatTemplate> load_chat_template(const fs::path& folder) {
  const ChatSource source = find_chat_template(folder);
  if (source.jinja.empty()) {
    user_error("model.template: chat: ", folder.string(),
               " has no chat template (chat_template.jinja, or chat_template in "
               "tokenizer_config.json); name another template");
  }
  Json special = Json::object();
  add_special_tokens(folder / "tokenizer_config.json", special);
  add_special_tokens(folder / "special_tokens_map.json", special);
  auto chat = std::make_shared<ChatTemplate>(source, std::move(special));
  const std::string question = "a question", answer = "an answer";
  const std::string text = chat->conversation(question, answer);
  if (chat->prompt(question).find(question) == std::string::npos ||
      text.find(question) == std::string::npos || text.find(answer) == std::string::npos) {
    user_error(source.file.string(),
               ": leaves out what user or assistant say; name another template ",
               "(model.template)");
  }
  return chat;
}

}  // namespace unlearn::data
