// Runs the program inside the test: stdin, stdout and stderr are strings.
#pragma once

#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "unlearn/commands/program.h"
#include "unlearn/core/json.h"
#include "unlearn/core/strings.h"

namespace unlearn::commands {

struct ProgramRun {
  int code = 0;
  std::string out, err;

  // Every line of stdout as JSON.
  std::vector<Json> rows() const {
    std::vector<Json> parsed;
    for (const std::string& line : split(out, '\n')) {
      if (!line.empty()) parsed.push_back(parse_json(line, "output"));
    }
    return parsed;
  }
};

inline ProgramRun run(std::vector<std::string> arguments, const std::string& input = "") {
  std::istringstream in(input);
  std::ostringstream out, err;
  auto* old_in = std::cin.rdbuf(in.rdbuf());
  auto* old_out = std::cout.rdbuf(out.rdbuf());
  auto* old_err = std::cerr.rdbuf(err.rdbuf());
  std::cin.clear();
  const int code = run_program(std::move(arguments));
  std::cin.rdbuf(old_in);
  std::cout.rdbuf(old_out);
  std::cerr.rdbuf(old_err);
  return {code, out.str(), err.str()};
}

}  // namespace unlearn::commands
