// unlearn completion SHELL: the script that completes in a shell.
#include "cli/completion.h"

#include <iostream>

#include "commands/commands.h"
#include "commands/shared_flags.h"

namespace unlearn::commands {

int run_completion(std::vector<std::string> arguments) {
  SharedFlags flags;
  std::string shell;
  cli::Flags app("prints the script that completes commands, flags and values in a shell",
                 "completion", "source <(unlearn completion bash)");
  app.add_option("shell", shell, "bash, zsh or fish").required().one_of(cli::shell_names());
  add_log_flags(app, flags);
  if (!parse(app, std::move(arguments), flags)) return 0;
  std::cout << cli::completion_script(shell, command_docs());
  return 0;
}

}  // namespace unlearn::commands
