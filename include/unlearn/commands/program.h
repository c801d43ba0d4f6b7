// The whole program behind main().
#pragma once

#include <string>
#include <vector>

namespace unlearn::commands {

// Runs the command that `arguments` (without the program's name) asks for. Returns the exit code:
// 0 done, 2 the user's mistake, 1 our bug, 3 training became non-finite, 128 + signal when stopped.
int run_program(std::vector<std::string> arguments);

}  // namespace unlearn::commands
