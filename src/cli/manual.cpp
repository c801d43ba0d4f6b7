#include "cli/manual.h"

#include <cstdlib>
#include <ctime>

#include "unlearn/core/strings.h"
#include "unlearn/run/version.h"

namespace unlearn::cli {
namespace {

// The day on which the page is made; a build that shall give the same bytes again sets
// SOURCE_DATE_EPOCH.
std::string page_date() {
  const char* set = std::getenv("SOURCE_DATE_EPOCH");
  const std::time_t time =
      set != nullptr ? static_cast<std::time_t>(std::atoll(set)) : std::time(nullptr);
  std::tm parts{};
  char text[16] = "";
  std::strftime(text, sizeof text, "%Y-%m-%d", ::gmtime_r(&time, &parts));
  return text;
}

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

std::string command_section(const CommandDoc& command) {
  std::string text = cat(".SS ", roff(command.name), "\n", roff(command.help), ".\n.PP\n.nf\n",
                         roff(command.example), "\n.fi\n");
  for (const FlagDoc& flag : command.flags) text += flag_entry(flag);
  return text;
}

constexpr std::pair<const char*, const char*> kVariables[] = {
    {"UNLEARN_CONFIG_DIR", "folder that --config NAME is looked for in first"},
    {"UNLEARN_CACHE_DIR", "folder of the reference cache instead of the run folder"},
    {"UNLEARN_TORCH",
     "folder of LibTorch for an installed program; --torch DIR wins over it, and it over the "
     "active Python environment's"},
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
    {"4", "forget and verify: finished, but the verdict is not that the rows are forgotten"},
    {"130, 143", "stopped by SIGINT or SIGTERM, after a checkpoint was saved"}};

}  // namespace

std::string manual_page(const std::vector<CommandDoc>& commands) {
  std::string page =
      cat(".TH UNLEARN 1 \"", page_date(), "\" \"unlearn ", run::program_version(),
          "\" \"User Commands\"\n",
          ".SH NAME\nunlearn \\- makes a language model forget chosen data and keep the rest\n",
          ".SH SYNOPSIS\n.B unlearn\n[\\fICOMMAND\\fR] [\\fIflags\\fR]\n",
          ".SH DESCRIPTION\nReads a Hugging Face model folder, unlearns with SimNPO or another "
          "method,\nand writes a Hugging Face folder. Without a command it is \\fBtrain\\fR.\n"
          "Every config key is also a flag: \\fB\\-\\-set\\fR \\fIdotted.key=value\\fR.\n"
          ".SH COMMANDS\n");
  for (const CommandDoc& command : commands) page += command_section(command);
  page += ".SH ENVIRONMENT\n";
  for (const auto& [name, help] : kVariables) {
    page += cat(".TP\n.B ", roff(name), "\n", roff(help), "\n");
  }
  page += ".SH \"EXIT STATUS\"\n";
  for (const auto& [code, help] : kCodes) page += cat(".TP\n.B ", code, "\n", roff(help), "\n");
  return page;
}

}  // namespace unlearn::cli
