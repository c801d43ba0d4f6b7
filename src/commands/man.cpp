// unlearn man: the manual page, made from the same descriptions as the help.
#include <iostream>

#include "commands/cli.h"
#include "unlearn/core/strings.h"
#include "unlearn/run/version.h"

namespace unlearn::commands {
namespace {

// Text as roff reads it: its control characters are plain here.
std::string roff(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      result += c;
    }
  }
  const bool is_control = result.starts_with('.') || result.starts_with('\'');
  return is_control ? "\\&" + result : result;
}

std::string flag_entry(const FlagDoc& flag) {
  std::string text = cat(".TP\n\\fB", roff(flag.name), "\\fR");
  if (!flag.value.empty() && flag.name.starts_with("--"))
    text += cat(" \\fI", roff(flag.value), "\\fR");
  text += cat("\n", roff(flag.help));
  if (!flag.choices.empty()) text += cat(" (", roff(join(flag.choices, ", ")), ")");
  if (flag.is_required) text += " [required]";
  if (!flag.fallback.empty()) text += cat(" [default: ", roff(flag.fallback), "]");
  return text + "\n";
}

std::string command_section(const Command& command) {
  const CommandDoc doc = describe_command(command.run);
  std::string text = cat(".SS ", roff(command.name), "\n", roff(command.help), ".\n");
  if (*command.example != '\0') text += cat(".PP\n.nf\n", roff(command.example), "\n.fi\n");
  for (const FlagDoc& flag : doc.flags) text += flag_entry(flag);
  return text;
}

constexpr std::pair<const char*, const char*> kVariables[] = {
    {"UNLEARN_CONFIG_DIR", "folder that --config NAME is looked for in first"},
    {"UNLEARN_CACHE_DIR", "folder of the reference cache instead of the run folder"},
    {"UNLEARN_TORCH",
     "folder of LibTorch for an installed program; --torch DIR wins over it, and it over the "
     "active "
     "Python environment's"},
    {"OMP_NUM_THREADS", "threads of each process"},
    {"OMP_WAIT_POLICY, GOMP_SPINCOUNT",
     "how threads wait for each other; the program sets the latter to 1000 unless one is set"},
    {"RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT",
     "a process of several, as torchrun sets them; Slurm's and Open MPI's own are read too"},
    {"COLUMNS", "width of the progress bar where the terminal does not tell"}};

constexpr std::pair<const char*, const char*> kCodes[] = {
    {"0", "done"},
    {"1", "a fault of the program"},
    {"2", "a mistake in a flag, config, file or checkpoint, or not enough memory"},
    {"3", "training became non-finite; nothing past the last good step is saved"},
    {"4", "finished, but the forget target was not reached or the damage limit was passed"},
    {"130, 143", "stopped by SIGINT or SIGTERM, after a checkpoint was saved"}};

}  // namespace

int run_man(std::vector<std::string> arguments) {
  SharedFlags flags;
  Flags app("prints the manual page of all commands", "man");
  add_log_flags(app, flags);
  if (!parse(app, std::move(arguments), flags)) return 0;
  std::cout
      << ".TH UNLEARN 1 \"\" \"unlearn " << run::program_version() << "\" \"User Commands\"\n"
      << ".SH NAME\nunlearn \\- makes a language model forget chosen data and keep the rest\n"
      << ".SH SYNOPSIS\n.B unlearn\n[\\fICOMMAND\\fR] [\\fIflags\\fR]\n"
      << ".SH DESCRIPTION\nReads a Hugging Face model folder, unlearns with SimNPO or another "
         "method,\nand writes a Hugging Face folder. Without a command it is \\fBtrain\\fR.\n"
         "Every config key is also a flag: \\fB\\-\\-set\\fR \\fIdotted.key=value\\fR.\n"
      << ".SH COMMANDS\n";
  for (const Command& command : commands()) std::cout << command_section(command);
  std::cout << ".SH ENVIRONMENT\n";
  for (const auto& [name, help] : kVariables) {
    std::cout << ".TP\n.B " << roff(name) << "\n" << roff(help) << "\n";
  }
  std::cout << ".SH \"EXIT STATUS\"\n";
  for (const auto& [code, help] : kCodes) {
    std::cout << ".TP\n.B " << code << "\n" << roff(help) << "\n";
  }
  return 0;
}

}  // namespace unlearn::commands
