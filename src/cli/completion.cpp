#include "cli/completion.h"

#include "cli/shell_words.h"
#include "unlearn/config/named.h"
#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"
#include "unlearn/run/catalogue.h"

namespace unlearn::cli {
namespace {

bool is_flag(const FlagDoc& flag) { return flag.name.starts_with("--"); }

// The words that a value can be; empty: anything.
std::vector<std::string> value_words(const FlagDoc& flag) {
  if (!flag.choices.empty()) return flag.choices;
  const std::pair<const char*, const char*> lists[] = {
      {"--method", "methods"},       {"--config", "configs"},     {"--template", "templates"},
      {"--benchmark", "benchmarks"}, {"benchmark", "benchmarks"}, {"--set", "settings"}};
  for (const auto& [name, list] : lists) {
    if (flag.name != name) continue;
    std::vector<std::string> words = run::names_in(list);
    if (flag.name == "--set") {
      for (std::string& word : words) word += "=";
    }
    return words;
  }
  return {};
}

bool takes_files(const FlagDoc& flag) {
  return flag.value.find("FILE") != std::string::npos || flag.value == "PATH";
}
bool takes_folders(const FlagDoc& flag) { return flag.value == "DIR"; }

std::vector<std::string> command_names(const std::vector<CommandDoc>& all) {
  std::vector<std::string> names;
  for (const CommandDoc& command : all) names.push_back(command.name);
  return names;
}

std::string bash_values(const CommandDoc& command) {
  std::string text;
  for (const FlagDoc& flag : command.flags) {
    if (!is_flag(flag) || flag.value.empty()) continue;
    const std::vector<std::string> words = value_words(flag);
    text += cat("    ", command.name, ":", flag.name, ") words=", in_quotes(join(words, " ")));
    if (takes_files(flag)) text += " kind=file";
    if (takes_folders(flag)) text += " kind=directory";
    text += cat(flag.name == "--set" ? " kind=key" : "", " ;;\n");
  }
  return text;
}

std::string bash_flags(const CommandDoc& command) {
  std::vector<std::string> flags = {"--help", "--version"};
  std::vector<std::string> words;
  std::string kind;
  for (const FlagDoc& flag : command.flags) {
    if (is_flag(flag)) {
      flags.push_back(flag.name);
      continue;
    }
    for (std::string& word : value_words(flag)) words.push_back(std::move(word));
    if (takes_files(flag)) kind = " kind=file";
    if (takes_folders(flag)) kind = " kind=directory";
  }
  return cat("      ", command.name, ") flags=", in_quotes(join(flags, " ")),
             " words=", in_quotes(join(words, " ")), kind, " ;;\n");
}

std::string bash_script(const std::vector<CommandDoc>& all) {
  std::string values, flags;
  for (const CommandDoc& command : all) {
    values += bash_values(command);
    flags += bash_flags(command);
  }
  const std::string names = join(command_names(all), " ");
  std::string pattern = join(command_names(all), "|");
  return cat(
      "# bash completion of unlearn; made by: unlearn completion bash\n_unlearn() {\n",
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n",
      "  local command=train flags= words= kind=\n  COMPREPLY=()\n", "  case ${COMP_WORDS[1]} in ",
      pattern, ") command=${COMP_WORDS[1]} ;; esac\n", "  # --flag=value comes in three words\n",
      "  if [[ $current == = ]]; then\n    current=\n",
      "  elif [[ $previous == = ]]; then\n    previous=${COMP_WORDS[COMP_CWORD-2]}\n  fi\n",
      "  if [[ $COMP_CWORD == 1 && $current != -* || ${COMP_WORDS[1]} == help ]]; then\n",
      "    mapfile -t COMPREPLY < <(compgen -W ", in_quotes(names + " help"),
      " -- \"$current\")\n    return\n  fi\n", "  case $command:$previous in\n", values,
      "    *)\n      case $command in\n", flags, "      esac ;;\n  esac\n",
      "  if [[ $current == -* ]]; then words=$flags kind=; fi\n",
      "  mapfile -t COMPREPLY < <(compgen -W \"$words\" ${kind:+$([[ $kind == key ]] || echo "
      "-A $kind)} -- \"$current\")\n",
      "  if [[ $kind == key ]]; then compopt -o nospace; fi\n",
      "  if [[ $kind == file || $kind == directory ]]; then compopt -o filenames; fi\n",
      "  return 0\n}\ncomplete -F _unlearn unlearn\n");
}

// A description or a message of zsh's _arguments.
std::string zsh_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string zsh_argument(const FlagDoc& flag) {
  const std::vector<std::string> words = value_words(flag);
  std::string action = takes_files(flag) ? "_files" : takes_folders(flag) ? "_files -/" : "";
  if (!words.empty()) {
    action = cat("(", join(words, " "), ")");
    if (takes_files(flag)) {
      action = cat("_alternative \"words:word:(", join(words, " "), ")\" \"files:file:_files\"");
    }
  }
  std::string text = flag.is_repeatable ? "*" : "";
  if (is_flag(flag)) {
    text += cat(flag.name, flag.value.empty() ? "" : "=", "[", zsh_text(flag.help), "]");
    if (!flag.value.empty()) text += cat(":", zsh_text(flag.value), ":", action);
  } else {
    text += cat(flag.is_repeatable ? "" : flag.is_required ? "" : ":", ":", flag.name, ":", action);
  }
  return in_quotes(text);
}

std::string zsh_script(const std::vector<CommandDoc>& all) {
  std::string described, cases;
  for (const CommandDoc& command : all) {
    described += cat("    ", in_quotes(cat(command.name, ":", zsh_text(command.help))), "\n");
    cases += cat("    ", command.name, ")\n      _arguments");
    for (const FlagDoc& flag : command.flags) cases += cat(" \\\n        ", zsh_argument(flag));
    cases += " \\\n        '--help[flags of the command]' '--version[version]' ;;\n";
  }
  return cat("#compdef unlearn\n# zsh completion of unlearn; made by: unlearn completion zsh\n",
             "_unlearn() {\n  local command=train\n  local -a commands=(\n", described, "  )\n",
             "  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n",
             "    _describe command commands\n    return\n  fi\n", "  case $words[2] in\n    ",
             join(command_names(all), "|"),
             ") command=$words[2]; shift words; (( CURRENT-- )) ;;\n",
             "    help) _describe command commands; return ;;\n  esac\n", "  case $command in\n",
             cases, "  esac\n}\n",
             "if [[ $funcstack[1] == _unlearn ]]; then _unlearn \"$@\"; else compdef _unlearn "
             "unlearn; fi\n");
}

std::string fish_script(const std::vector<CommandDoc>& all) {
  const std::string names = join(command_names(all), " ");
  std::string text = cat("# fish completion of unlearn; made by: unlearn completion fish\n",
                         "complete -c unlearn -f\n");
  for (const CommandDoc& command : all) {
    text += cat("complete -c unlearn -n __fish_use_subcommand -a ", command.name, " -d ",
                in_quotes(command.help), "\n");
    std::string condition = cat("__fish_seen_subcommand_from ", command.name);
    // Flags without a command are those of the default one.
    if (command.name == "train") {
      condition += cat("; or not __fish_seen_subcommand_from ", names);
    }
    for (const FlagDoc& flag : command.flags) {
      const std::vector<std::string> words = value_words(flag);
      std::string line = cat("complete -c unlearn -n ", in_quotes(condition));
      if (is_flag(flag)) line += cat(" -l ", flag.name.substr(2), " -d ", in_quotes(flag.help));
      if (is_flag(flag) && !flag.value.empty()) line += " -r";
      if (takes_files(flag) || takes_folders(flag)) line += " -F";
      if (!words.empty()) line += cat(" -a ", in_quotes(join(words, " ")));
      text += line + "\n";
    }
  }
  return text + cat("complete -c unlearn -n '__fish_seen_subcommand_from help' -a ",
                    in_quotes(names), "\n",
                    "complete -c unlearn -l help -d 'flags of the command'\n",
                    "complete -c unlearn -l version -d version\n");
}

using Script = std::string (*)(const std::vector<CommandDoc>&);
constexpr config::Named<Script> kShells[] = {
    {bash_script, "bash"}, {zsh_script, "zsh"}, {fish_script, "fish"}};

}  // namespace

std::vector<std::string> shell_names() { return config::names_in(kShells); }

std::string completion_script(const std::string& shell, const std::vector<CommandDoc>& commands) {
  return config::value_in(kShells, shell)(commands);
}

}  // namespace unlearn::cli
