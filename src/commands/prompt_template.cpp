#include "commands/prompt_template.h"

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"
#include "unlearn/data/chat_marks.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::commands {
namespace fs = std::filesystem;
namespace {

constexpr const char* kAuto = "auto";
constexpr const char* kKey = "model.template";

// The record of the run whose model lies in `folder`; empty when no run made it.
fs::path config_of_run(const fs::path& folder) {
  const fs::path run = (fs::absolute(folder).lexically_normal() / "").parent_path().parent_path();
  const fs::path config = run / "config.resolved.yaml";
  return fs::exists(run / "run.json") && fs::exists(config) ? config : fs::path();
}

// Nothing else of a run's config counts: it may be another version's.
std::optional<data::Template> template_of_run(const fs::path& config) {
  const config::Settings record = config::Settings::from_file(config);
  config::Settings settings;
  for (const auto& [key, setting] : record.values()) {
    if (key == kKey || key.starts_with(cat(kKey, "."))) {
      settings.set(key, setting.value, setting.origin);
    }
  }
  if (const config::Setting* name = settings.find(kKey)) {
    const auto text = name->value.is_string() ? name->value.get<std::string>() : std::string();
    if (text == kAuto) return std::nullopt;
    return data::named_template(text);
  }
  if (settings.values().empty()) return std::nullopt;
  config::SettingsReader reader(settings);
  return data::template_from_json(reader.subtree(kKey));
}

struct ChatTemplate {
  fs::path file;
  std::string jinja;  // empty: the folder has none
};

// The text of a "chat_template" entry: a string, or a list of {name, template} with a default.
std::string chat_entry(const Json& config) {
  const auto entry = config.is_object() ? config.find("chat_template") : config.end();
  if (entry == config.end()) return "";
  if (entry->is_string()) return entry->get<std::string>();
  if (!entry->is_array()) return "";
  for (const Json& item : *entry) {
    if (item.is_object() && item.value("name", "") == "default") {
      return item.value("template", "");
    }
  }
  return "";
}

ChatTemplate chat_template_of(const fs::path& folder) {
  const fs::path own = folder / "chat_template.jinja";
  if (fs::exists(own)) return {own, read_file(own)};
  for (const char* name : {"chat_template.json", "tokenizer_config.json"}) {
    const fs::path file = folder / name;
    if (!fs::exists(file)) continue;
    const std::string jinja = chat_entry(read_json(file));
    if (!jinja.empty()) return {file, jinja};
  }
  return {};
}

void check_chat_template(const fs::path& folder, const data::Template& chosen,
                         ForeignChat foreign) {
  if (foreign == ForeignChat::kIgnore) return;
  const ChatTemplate chat = chat_template_of(folder);
  if (chat.jinja.empty() || data::has_marks_of(chat.jinja, chosen)) return;
  const std::vector<std::string> like = data::templates_like(chat.jinja);
  const std::string message =
      cat(chat.file.string(), ": the model's own chat template is not '", chosen.name,
          "', which model.template: auto means for its family; give --set model.template=NAME for ",
          "the prompts it was trained with (",
          like.empty() ? "none of ours has its marks" : cat("with its marks: ", join(like, ", ")),
          "; known: ", join(data::template_names(), ", "), "), or a map of your own");
  if (foreign == ForeignChat::kRefuse) user_error(message);
  log::warn(message);
}

}  // namespace

tokenizer::Rules resolve_rules(const std::string& name, const fs::path& model_folder) {
  if (name != kAuto) return tokenizer::rules_named(name);
  const fs::path run = config_of_run(model_folder);
  if (run.empty()) return tokenizer::Rules::kTransformers5;
  const config::Settings record = config::Settings::from_file(run);
  const config::Setting* rules = record.find("model.tokenizer");
  if (rules == nullptr || !rules->value.is_string() || rules->value == kAuto) {
    return tokenizer::Rules::kTransformers5;
  }
  return tokenizer::rules_named(rules->value.get<std::string>());
}

data::Template resolve_template(const RunConfig& config, const fs::path& model_folder,
                                ForeignChat foreign) {
  if (config.custom_template) return *config.custom_template;
  const std::string& name = config.model.prompt_template;
  if (name != kAuto) return data::named_template(name);
  if (const fs::path run = config_of_run(model_folder); !run.empty()) {
    if (const auto found = template_of_run(run)) {
      log::info("template: ", found->name, " (from ", run.string(), ")");
      return *found;
    }
  }
  const Json model_config = read_json(model_folder / "config.json");
  const data::Template chosen = data::named_template(model::prompt_template_of(model_config));
  check_chat_template(model_folder, chosen, foreign);
  log::info("template: ", chosen.name, " (from model family ", model::family_of(model_config).name,
            ")");
  return chosen;
}

void record_template(RunConfig& config, const data::Template& resolved) {
  const bool is_5 =
      resolve_rules(config.model.tokenizer, config.model.path) == tokenizer::Rules::kTransformers5;
  config.model.tokenizer = is_5 ? "transformers5" : "transformers4";
  if (config.custom_template || config.model.prompt_template != kAuto) return;
  config.model.prompt_template = resolved.name;
  if (resolved.name == "custom") config.custom_template = resolved;
}

}  // namespace unlearn::commands
