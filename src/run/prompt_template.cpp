#include "unlearn/run/prompt_template.h"

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"
#include "unlearn/data/chat_marks.h"
#include "unlearn/data/chat_template.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

constexpr const char* kAuto = "auto";
constexpr const char* kKey = "model.template";
constexpr const char* kChat = "chat";

// The record of the run whose model lies in `folder`; empty when no run made it.
fs::path config_of_run(const fs::path& folder) {
  const fs::path run = (fs::absolute(folder).lexically_normal() / "").parent_path().parent_path();
  const fs::path config = run / "config.resolved.yaml";
  return fs::exists(run / "run.json") && fs::exists(config) ? config : fs::path();
}

data::Template chat_of(const fs::path& folder) {
  data::Template result;
  result.name = kChat;
  result.mask_answer_tag = true;
  result.add_special = false;  // the template writes BOS where the model wants it
  result.chat = data::load_chat_template(folder);
  return result;
}

data::Template named(const std::string& name, const fs::path& folder) {
  return name == kChat ? chat_of(folder) : data::named_template(name);
}

// Nothing else of a run's config counts: it may be another version's.
std::optional<data::Template> template_of_run(const fs::path& config, const fs::path& folder) {
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
    return named(text, folder);
  }
  if (settings.values().empty()) return std::nullopt;
  config::SettingsReader reader(settings);
  return data::template_from_json(reader.subtree(kKey));
}

void check_chat_template(const fs::path& folder, const data::Template& chosen,
                         ForeignChat foreign) {
  if (foreign == ForeignChat::kIgnore) return;
  const data::ChatSource chat = data::find_chat_template(folder);
  if (chat.jinja.empty() || data::has_marks_of(chat.jinja, chosen)) return;
  const std::vector<std::string> like = data::templates_like(chat.jinja);
  const std::string message = cat(
      chat.file.string(), ": the model's own chat template is not '", chosen.name,
      "', which model.template: auto means for its family; say which prompts it was trained with: ",
      "--set model.template=chat for the folder's own, or NAME (",
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
  if (name != kAuto) return named(name, model_folder);
  if (const fs::path run = config_of_run(model_folder); !run.empty()) {
    if (const auto found = template_of_run(run, model_folder)) {
      log::info("template: ", found->name, " (from ", run.string(), ")");
      return *found;
    }
  }
  // People's own rows are asked as the model's users ask; a benchmark's tags are fixed.
  if (config.data.chosen().is_own_data && !data::find_chat_template(model_folder).jinja.empty()) {
    log::info("template: chat (the model folder's own)");
    return chat_of(model_folder);
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

}  // namespace unlearn::run
