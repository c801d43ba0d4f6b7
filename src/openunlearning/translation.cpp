#include "openunlearning/translation.h"

#include <algorithm>
#include <map>

#include "cli/shell_words.h"
#include "openunlearning/command_line.h"
#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"

namespace unlearn::openunlearning {
namespace {

int64_t whole(const Overrides& given, const std::string& key, int64_t fallback) {
  const std::string text = given.get(key);
  if (text.empty()) return fallback;
  const bool is_number =
      text != "-" && text.size() < 10 &&
      text.find_first_not_of("0123456789", text[0] == '-' ? 1 : 0) == std::string::npos;
  if (!is_number) user_error(kFlag, key, ": must be a whole number, not '", text, "'");
  return std::stoll(text);
}

// Our command line in the making.
class OuCommand {
 public:
  explicit OuCommand(const std::string& start) : text_(start) {}

  void flag(const std::string& name, const std::string& value) {
    text_ += cat(" ", name, " ", cli::shell_quoted(value));
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
      result += cat(" --set ", cli::shell_quoted(cat(setting, "=", value)));
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
  for (const auto& [known, setting] : kKeys) {
    if (key == known) command.set(setting, value);
  }
}

void set_method(const Overrides& given, const Trainer& trainer, const std::string& experiment,
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
        key.starts_with(kMethodArguments) ? key.substr(std::string(kMethodArguments).size()) : "";
    if (argument.empty() || argument == "loss_names") continue;
    if (!values.contains(argument)) {
      user_error(kFlag, key, ": ", trainer.name,
                 " has no such argument; it has: ", trainer.arguments);
    }
    values[argument] = value;
  }
  for (const auto& [argument, value] : values) {
    if (value == "???") user_error(kFlag, kMethodArguments, argument, ": has no default; give it");
    if (argument == "retain_loss_type") {
      command.set("method.retain_loss", to_lower(value));
    } else {
      set_known(command, std::string(kMethodArguments) + argument, value);
    }
  }
}

void set_data(const Overrides& given, const Experiment& experiment, OuCommand& command) {
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
void set_training(const Overrides& given, const Experiment& experiment, const Trainer& trainer,
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
  if (to_lower(given.get(std::string(kMethodArguments) + "retain_loss_type")) == "kl") {
    quirks.emplace_back("kl_padded_batch");
  }
  command.comment(
      cat("its numbers instead of the definitions (docs/compat.md): --set "
          "train.averaging=micro_batch_mean --set train.micro_batch_size=",
          rows, " --set train.compat=[", join(quirks, ","), "] --set eval.pad_is_masked=true"));
}

}  // namespace

std::string our_command(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    user_error(kFlag, "give its command line: 'experiment=unlearn/tofu/default trainer=SimNPO'");
  }
  const Overrides given = read_overrides(arguments);
  std::string name = given.get("experiment");
  if (name.ends_with(".yaml")) name.resize(name.size() - 5);
  const Experiment& experiment = find_entry(kExperiments, "experiment", name);
  const bool evaluates = std::string(experiment.command) == "eval";
  OuCommand command(cat("unlearn ", experiment.command, " ", experiment.flags));
  command.comment("models and data are folders on this machine (scripts/fetch_data.py)");
  const Trainer* trainer = nullptr;
  if (!evaluates) {
    trainer = &find_entry(kTrainers, "trainer", given.get("trainer", experiment.trainer));
    const bool finetunes = std::string(experiment.command) == "finetune";
    if (finetunes != (*trainer->method == '\0')) {
      user_error(kFlag, "trainer: ", trainer->name, " does not go together with ", name);
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
  command.set("model.template", find_entry(kModels, "model", model).second);
  set_data(given, experiment, command);
  if (trainer != nullptr) {
    set_method(given, *trainer, name, command);
    set_training(given, experiment, *trainer, command);
  }
  for (const auto& [key, value] : given.values) {
    if (key.starts_with(kMethodArguments)) continue;
    if (evaluates && key.starts_with("trainer.")) {
      user_error(kFlag, key, ": ", name, " trains nothing");
    }
    set_known(command, key, value);
  }
  return command.text();
}

}  // namespace unlearn::openunlearning
