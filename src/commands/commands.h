// The commands, a file each, and the table that lists them.
#pragma once

#include <string>
#include <vector>

#include "cli/flags.h"

namespace unlearn::commands {

struct Command {
  const char* name;
  const char* help;  // a line of the list of commands
  int (*run)(std::vector<std::string> arguments);
};

const std::vector<Command>& commands();
// The flags of each, in the same order.
std::vector<cli::CommandDoc> command_docs();

int run_train(std::vector<std::string> arguments);
int run_forget(std::vector<std::string> arguments);
int run_verify(std::vector<std::string> arguments);
int run_finetune(std::vector<std::string> arguments);
int run_eval(std::vector<std::string> arguments);
int run_audit(std::vector<std::string> arguments);
int run_metrics(std::vector<std::string> arguments);
int run_score(std::vector<std::string> arguments);
int run_generate(std::vector<std::string> arguments);
int run_task_vector(std::vector<std::string> arguments);
int run_tokenize(std::vector<std::string> arguments);
int run_report(std::vector<std::string> arguments);
int run_list(std::vector<std::string> arguments);
int run_inspect(std::vector<std::string> arguments);
int run_markov(std::vector<std::string> arguments);
int run_quantise(std::vector<std::string> arguments);
int run_completion(std::vector<std::string> arguments);
int run_man(std::vector<std::string> arguments);

}  // namespace unlearn::commands
