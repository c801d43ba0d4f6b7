#include "commands/from_openunlearning.h"

#include <algorithm>
#include <iostream>
#include <map>

#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"

namespace unlearn::commands {
namespace {

struct OuExperiment {
  const char *name, *command, *trainer, *model, *weights, *benchmark, *flags;
};
struct OuTrainer {
  const char *name, *method, *arguments, *quirk;
};
using OuPair = std::pair<const char*, const char*>;

const std::vector<OuExperiment> kOuExperiments = {
#define OU_EXPERIMENT(...) {__VA_ARGS__},
#include "commands/openunlearning.def"
#undef OU_EXPERIMENT
};
const std::vector<OuTrainer> kOuTrainers = {
#define OU_TRAINER(...) {__VA_ARGS__},
#include "commands/openunlearning.def"
#undef OU_TRAINER
};
const std::vector<OuPair> kOuModels = {
#define OU_MODEL(...) {__VA_ARGS__},
#include "commands/openunlearning.def"
#undef OU_MODEL
};
const std::vector<OuPair> kOuKeys = {
#define OU_KEY(...) {__VA_ARGS__},
#include "commands/openunlearning.def"
#undef OU_KEY
};
const std::vector<OuPair> kOuReadKeys = {
#define OU_READ(key) {key, ""},
#include "commands/openunlearning.def"
#undef OU_READ
};
const std::vector<OuPair> kOuIdleKeys = {
#define OU_NOTHING(key) {key, ""},
#include "commands/openunlearning.def"
#undef OU_NOTHING
};

constexpr const char* kFromFlag = "--from-openunlearning: ";
const std::string kOuMethodArguments = "trainer.method_args.";

const char* name_of(const OuPair& entry) { return entry.first; }
template <class Entry>
const char* name_of(const Entry& entry) {
  return entry.name;
}

// The entry of that name; UserError that names the nearest.
template <class Entry>
const Entry& find_entry(const std::vector<Entry>& entries, const std::string& what,
                        const std::string& name) {
  std::vector<std::string> names;
  for (const Entry& entry : entries) {
    if (name_of(entry) == name) return entry;
    names.emplace_back(name_of(entry));
  }
  user_error(kFromFlag, what, ": '", name, "' is not known", did_you_mean(name, names),
             "; known: ", join(names, ", "));
}

// A shell's words: quotes, escaped characters and line ends.
std::vector<std::string> shell_words(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  bool is_open = false;  // a word may be empty quotes
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      const char next = text[++i];
      // Within double quotes a backslash stays unless it protects one of these.
      if (quote == '"' && next != '"' && next != '\\' && next != '$' && next != '\n') word += c;
      if (next != '\n') word += next;
      is_open = is_open || next != '\n';
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
      is_open = true;
    } else if (quote == 0 && (c == ' ' || c == '\t' || c == '\n')) {
      if (is_open) words.push_back(word);
      word.clear();
      is_open = false;
    } else {
      word += c;
      is_open = true;
    }
  }
  if (quote != 0) user_error(kFromFlag, "a quote is not closed");
  if (is_open) words.push_back(word);
  return words;
}

std::string shell_quoted(const std::string& text) {
  constexpr const char* kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=,:+@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

bool is_variable(const std::string& name) {  // of the environment
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
}

// Its command line: what is set by which key, and how many processes share a step.
struct Overrides {
  std::map<std::string, std::string> values;
  int64_t processes = 1;

  std::string get(const std::string& key, const std::string& fallback = "") const {
    const auto found = values.find(key);
    return found == values.end() ? fallback : found->second;
  }
};

void add_override(Overrides& result, const std::string& word) {
  const size_t equals = word.find('=');
  std::string key = word.substr(0, equals);
  if (equals == std::string::npos || key.starts_with("~")) {
    user_error(kFromFlag, "'", word, "' is no key=value");
  }
  if (key == "--config-name") return;
  key.erase(0, key.find_first_not_of('+'));
  std::string value = word.substr(equals + 1);
  if (value.find("${") != std::string::npos) {
    user_error(kFromFlag, key, ": '", value, "' refers to another key; write its value");
  }
  std::vector<std::string> known;
  for (const auto* keys : {&kOuKeys, &kOuReadKeys, &kOuIdleKeys}) {
    for (const OuPair& entry : *keys) known.emplace_back(entry.first);
  }
  if (std::find(known.begin(), known.end(), key) == known.end()) {
    user_error(kFromFlag, "unknown key '", key, "'; the nearest known one is '",
               nearest(key, known), "' (docs/from-openunlearning.md)");
  }
  result.values[key] = value;
}

Overrides read_overrides(const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  if (arguments.size() == 1) {
    words = shell_words(arguments.front());
  } else {
    words = arguments;
  }
  Overrides result;
  // What starts it: variables, a launcher with its flags, a script.
  const auto is_script = [](const std::string& word) { return word.ends_with(".py"); };
  const auto script = std::find_if(words.begin(), words.end(), is_script);
  const auto end = script == words.end() ? words.begin() : script + 1;
  const bool is_shared = std::find(words.begin(), end, "accelerate") != end ||
                         std::find(words.begin(), end, "torchrun") != end;
  for (auto word = words.begin(); word != end; ++word) {
    if (is_shared && word->starts_with("CUDA_VISIBLE_DEVICES=")) {
      result.processes = 1 + std::count(word->begin(), word->end(), ',');
    }
  }
  for (auto word = end; word != words.end(); ++word) {
    if (script == words.end() && is_variable(word->substr(0, word->find('=')))) continue;
    add_override(result, *word);
  }
  return result;
}

int64_t whole(const Overrides& given, const std::string& key, int64_t fallback) {
  const std::string text = given.get(key);
  if (text.empty()) return fallback;
  const bool is_number =
      text.size() < 10 &&
      text.find_first_not_of("0123456789", text[0] == '-' ? 1 : 0) == std::string::npos;
  if (!is_number) user_error(kFromFlag, key, ": must be a whole number, not '", text, "'");
  return std::stoll(text);
}

// Our command line in the making.
class OuCommand {
 public:
  explicit OuCommand(const std::string& start) : text_(start) {}

  void flag(const std::string& name, const std::string& value) {
    text_ += cat(" ", name, " ", shell_quoted(value));
  }
  // The later value of a setting counts.
  void set(const std::string& setting, const std::string& value) {
    for (auto& [known, old] : settings_) {
      if (known == setting) {
        old = value;
        return;
      }
    }
    settings_.emplace_back(setting, value);
  }
  void comment(const std::string& line) { comments_ += "# " + line + "\n"; }
  std::string text() const {
    std::string result = comments_ + text_;
    for (const auto& [setting, value] : settings_) {
      result += cat(" --set ", shell_quoted(cat(setting, "=", value)));
    }
    return result + "\n";
  }

 private:
  std::string text_, comments_;
  std::vector<std::pair<std::string, std::string>> settings_;
};

void set_known(OuCommand& command, const std::string& key, std::string value) {
  if (key == "trainer.args.lr_scheduler_type" && value == "constant_with_warmup") {
    value = "constant";
  }
  if (value == "True" || value == "False") value = to_lower(value);
  if (value == "null") return;
  for (const auto& [known, setting] : kOuKeys) {
    if (key == known) command.set(setting, value);
  }
}

void set_method(const Overrides& given, const OuTrainer& trainer, const std::string& experiment,
                OuCommand& command) {
  std::map<std::string, std::string> values;
  for (const std::string& argument : split(trainer.arguments, ' ')) {
    if (const size_t equals = argument.find('='); equals != std::string::npos) {
      values[argument.substr(0, equals)] = argument.substr(equals + 1);
    }
  }
  if (experiment == "unlearn/wmdp/default" && values.contains("trainable_params_regex")) {
    values["trainable_params_regex"] = R"([model\.layers\.(5|6|7)\.mlp\.down_proj\.weight])";
  }
  for (const auto& [key, value] : given.values) {
    const std::string argument =
        key.starts_with(kOuMethodArguments) ? key.substr(kOuMethodArguments.size()) : "";
    if (argument.empty() || argument == "loss_names") continue;
    if (!values.contains(argument)) {
      user_error(kFromFlag, key, ": ", trainer.name,
                 " has no such argument; it has: ", trainer.arguments);
    }
    values[argument] = value;
  }
  for (const auto& [argument, value] : values) {
    if (value == "???")
      user_error(kFromFlag, kOuMethodArguments, argument, ": has no default; give it");
    if (argument == "retain_loss_type") {
      command.set("method.retain_loss", to_lower(value));
    } else {
      set_known(command, kOuMethodArguments + argument, value);
    }
  }
}

void set_data(const Overrides& given, const OuExperiment& experiment, OuCommand& command) {
  const std::string benchmark = experiment.benchmark;
  const std::string name = experiment.name;
  const bool finetunes = std::string(experiment.command) == "finetune";
  if (benchmark == "tofu") {
    const std::string forget = given.get("forget_split", "forget10");
    command.set("data.forget", forget);  // fine-tuning: what is evaluated
    if (given.get("data/datasets@data.train") == "TOFU_QA_retain") {
      command.set("data.train", "retain90");
    }
    if (const std::string retain = given.get("retain_split"); !retain.empty() && !finetunes) {
      command.set("data.retain", retain);
    }
    const std::string holdout = given.get("holdout_split", "holdout10");
    if (holdout.substr(std::min<size_t>(7, holdout.size())) !=
        forget.substr(std::min<size_t>(6, forget.size()))) {
      command.set("eval.holdout", cat("data/TOFU/", holdout, ".json"));
    }
    return;
  }
  const std::string part =
      to_lower(given.get("data_split", benchmark == "muse" ? "news" : "cyber"));
  if (benchmark == "wmdp") {
    command.set("data.forget", part);
    if (name.starts_with("unlearn")) command.set("data.retain", part + "-retain");
    return;
  }
  if (finetunes) {
    command.set("data.forget", part);
    command.set("data.train", part + "/" + given.get("data_sub_set", "full"));
    return;
  }
  const bool scales = name == "unlearn/muse/scalability";
  const bool sustains = name == "unlearn/muse/sustainabilty";
  const std::string split = given.get("forget_split", scales || sustains ? "forget_4" : "forget");
  const std::string folder = scales ? "/scal/" : sustains ? "/sust/" : "/";
  command.set("data.forget", split == "forget" ? part : part + folder + split);
  const std::string retain = given.get("retain_split", "retain1");
  if (retain != "retain1") command.set("data.retain", part + "/" + retain);
}

// Steps, what is kept, when it is evaluated.
void set_training(const Overrides& given, const OuExperiment& experiment, const OuTrainer& trainer,
                  OuCommand& command) {
  const bool is_wmdp = std::string(experiment.benchmark) == "wmdp";
  const bool is_muse = std::string(experiment.name).starts_with("unlearn/muse");
  const std::string arguments = "trainer.args.";
  const int64_t rows = whole(given, arguments + "per_device_train_batch_size",
                             is_wmdp   ? 1
                             : is_muse ? 4
                                       : 8);
  const int64_t accumulated = whole(given, arguments + "gradient_accumulation_steps",
                                    is_wmdp   ? 16
                                    : is_muse ? 8
                                              : 4);
  command.set("train.batch_size", cat(rows * accumulated * given.processes));
  if (const int64_t steps = whole(given, arguments + "max_steps", -1); steps > 0) {
    command.set("train.max_steps", cat(steps));
    command.set("train.epochs", "1000");  // the steps end the run, as its Trainer has it
  }
  const std::string saves = given.get(arguments + "save_strategy", "no");
  if (saves == "steps") {
    command.set("train.save_every", cat(whole(given, arguments + "save_steps", 500)));
  } else {
    command.set("train.save_every", saves == "epoch" ? "epoch" : "never");
  }
  const std::string evaluates = given.get(arguments + "eval_strategy", "no");
  if (evaluates == "steps") {
    command.set("eval.every", cat(whole(given, arguments + "eval_steps", 500)));
  } else if (evaluates == "epoch") {
    command.set("eval.every", "epoch");
  }
  const bool at_end = to_lower(given.get(arguments + "do_eval", "true")) == "true";
  command.set("eval.at_end", at_end ? "true" : "false");
  if (given.get(arguments + "optim").ends_with("8bit")) command.set("train.state_bits", "8");
  if (to_lower(given.get(arguments + "gradient_checkpointing")) == "true") {
    command.set("train.recompute", "full");
  }
  if (given.processes > 1) command.flag("--nproc", cat(given.processes));

  std::vector<std::string> quirks = {"pad_is_masked"};
  if (*trainer.quirk != '\0') quirks.emplace_back(trainer.quirk);
  if (to_lower(given.get(kOuMethodArguments + "retain_loss_type")) == "kl") {
    quirks.emplace_back("kl_padded_batch");
  }
  command.comment(
      cat("its numbers instead of the definitions (docs/compat.md): --set "
          "train.averaging=micro_batch_mean --set train.micro_batch_size=",
          rows, " --set train.compat=[", join(quirks, ","), "] --set eval.pad_is_masked=true"));
}

}  // namespace

std::string command_from_openunlearning(const std::vector<std::string>& arguments) {
  const Overrides given = read_overrides(arguments);
  std::string name = given.get("experiment");
  if (name.ends_with(".yaml")) name.resize(name.size() - 5);
  const OuExperiment& experiment = find_entry(kOuExperiments, "experiment", name);
  const bool evaluates = std::string(experiment.command) == "eval";
  OuCommand command(cat("unlearn ", experiment.command, " ", experiment.flags));
  command.comment("models and data are folders on this machine (scripts/fetch_data.py)");
  const OuTrainer* trainer = nullptr;
  if (!evaluates) {
    trainer = &find_entry(kOuTrainers, "trainer", given.get("trainer", experiment.trainer));
    const bool finetunes = std::string(experiment.command) == "finetune";
    if (finetunes != (*trainer->method == '\0')) {
      user_error(kFromFlag, "trainer: ", trainer->name, " does not go together with ", name);
    }
    if (!finetunes) command.flag("--method", trainer->method);
  }
  const std::string model = given.get("model", experiment.model);
  std::string weights = experiment.weights;
  if (const std::string part = given.get("data_split", "News"); weights.ends_with("News_target")) {
    weights = "muse-bench/MUSE-" + part + "_target";
  }
  command.flag("--model", given.get("model.model_args.pretrained_model_name_or_path", weights));
  const std::string benchmark = experiment.benchmark;
  command.flag("--data", benchmark == "tofu"   ? "data/TOFU"
                         : benchmark == "muse" ? "data/MUSE"
                                               : "data/WMDP");
  const std::string task = given.get("task_name", "from-openunlearning");
  command.flag("--output",
               given.get("paths.output_dir", given.get("trainer.args.output_dir", "runs/" + task)));
  command.set("model.template", find_entry(kOuModels, "model", model).second);
  set_data(given, experiment, command);
  if (trainer != nullptr) {
    set_method(given, *trainer, name, command);
    set_training(given, experiment, *trainer, command);
  }
  for (const auto& [key, value] : given.values) {
    if (key.starts_with(kOuMethodArguments)) continue;
    if (evaluates && key.starts_with("trainer.")) {
      user_error(kFromFlag, key, ": ", name, " trains nothing");
    }
    set_known(command, key, value);
  }
  return command.text();
}

int run_from_openunlearning(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    user_error(kFromFlag,
               "give its command line: 'experiment=unlearn/tofu/default trainer=SimNPO'");
  }
  std::cout << command_from_openunlearning(arguments);
  return 0;
}

}  // namespace unlearn::commands
