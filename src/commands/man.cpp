// unlearn man: the manual page.
#include <iostream>

#include "cli/manual.h"
#include "commands/commands.h"
#include "commands/shared_flags.h"

namespace unlearn::commands {

int run_man(std::vector<std::string> arguments) {
  SharedFlags flags;
  cli::Flags app("prints the manual page of all commands", "man",
                 "unlearn man >unlearn.1 && man ./unlearn.1");
  add_log_flags(app, flags);
  if (!parse(app, std::move(arguments), flags)) return 0;
  std::cout << cli::manual_page(command_docs());
  return 0;
}

}  // namespace unlearn::commands
