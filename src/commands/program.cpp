#include "unlearn/commands/program.h"

#include <c10/util/Exception.h>
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <new>

#include "commands/commands.h"
#include "openunlearning/translation.h"
#include "unlearn/core/error.h"
#include "unlearn/core/printable.h"
#include "unlearn/distributed/group.h"
#include "unlearn/run/version.h"
#include "unlearn/runtime/host_arena.h"
#include "unlearn/runtime/products.h"

namespace unlearn::commands {
namespace {

const std::vector<Command> kCommands = {
    {"train", "unlearn: forget some data, keep the rest (the default command)", run_train},
    {"forget", "make a model forget your own rows, and say whether it has", run_forget},
    {"remove", "a fine-tuned model without some of its rows, as if never trained on them",
     run_remove},
    {"verify", "whether a run is still what its verdict or certificate was given on", run_verify},
    {"finetune", "plain next-token training on one data set", run_finetune},
    {"eval", "all metrics of a benchmark, of one model or several", run_eval},
    {"audit", "is it really forgotten? attacks, and what they bring back", run_audit},
    {"metrics", "every aggregate again from stored evaluation logs", run_metrics},
    {"score", "per-token log-probabilities of given texts", run_score},
    {"generate", "continue prompts, greedily or sampled", run_generate},
    {"task-vector", "subtract what fine-tuning on the forget data added", run_task_vector},
    {"tokenize", "text on stdin to token ids, or back", run_tokenize},
    {"report", "compare runs: a table, a plot and one HTML page", run_report},
    {"list", "what is built in: methods, models, benchmarks, metrics", run_list},
    {"inspect", "what a checkpoint folder holds", run_inspect},
    {"quantise", "a model folder with the weights of a copy of few bits", run_quantise},
    {"markov", "the paper's synthetic experiment on Markov chains", run_markov},
    {"completion", "completes commands and flags in a shell: bash, zsh or fish", run_completion},
    {"man", "the manual page", run_man},
};

void print_help() {
  std::cout
      << "unlearn " << run::version_text()
      << ": makes a language model forget chosen data and keep the rest\n\n"
         "  unlearn --method simnpo --config tofu.yaml --model DIR --data DIR --output DIR\n\n"
         "Commands (unlearn help COMMAND lists the flags of each):\n";
  for (const Command& command : kCommands) {
    std::cout << "  " << command.name << std::string(13 - std::string(command.name).size(), ' ')
              << command.help << "\n";
  }
  std::cout << "\nunlearn --from-openunlearning 'experiment=… trainer=…' prints the command\n"
               "that does what OpenUnlearning's does (docs/from-openunlearning.md).\n";
}

// Messages, JSON and configs are UTF-8, and all of them repeat what the command line says.
void check_encoding(const std::vector<std::string>& arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!is_valid_utf8(arguments[i])) user_error("argument ", i + 1, ": not valid UTF-8");
  }
}

int dispatch(std::vector<std::string> arguments) {
  check_encoding(arguments);
  const std::string first = arguments.empty() ? "--help" : arguments.front();
  if (first == "help" && arguments.size() > 1) {
    return dispatch({arguments[1], "--help"});
  }
  if (first == "--help" || first == "-h" || first == "help") {
    print_help();
    return 0;
  }
  if (first == "--version" || first == "-V" || first == "version") {
    std::cout << "unlearn " << run::version_text() << "\n";
    return 0;
  }
  if (first == "--from-openunlearning") {
    std::cout << openunlearning::our_command({arguments.begin() + 1, arguments.end()});
    return 0;
  }
  if (!first.starts_with("-")) arguments.erase(arguments.begin());
  const std::string name = first.starts_with("-") ? "train" : first;
  std::vector<std::string> names = {"help", "version"};
  for (const Command& command : kCommands) {
    if (name == command.name) return command.run(std::move(arguments));
    names.emplace_back(command.name);
  }
  user_error("unknown command '", first, "'", did_you_mean(first, names), "; see unlearn --help");
}

// Results that never reached the disk or the pipe are not done.
void check_stdout() {
  std::cout.flush();
  if (!std::cout) user_error("stdout: cannot write (is the disk full?)");
}

// Files opened later must not become stdout or stderr because those were closed. What is written
// to the closed one still fails, which is reported.
void fill_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    const int mode = descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY;
    // open() gives the lowest number that is free.
    if (::fcntl(descriptor, F_GETFD) == -1 && ::open("/dev/null", mode) != descriptor) {
      std::abort();
    }
  }
}

int report(int code, const std::string& kind, std::string message) {
  // One line, whatever a library put into its message, and at once: several processes may write.
  message = cat(kind, printable(message.substr(0, message.find('\n'))), "\n");
  std::cerr << message << std::flush;
  return code;
}

}  // namespace

const std::vector<Command>& commands() { return kCommands; }

std::vector<cli::CommandDoc> command_docs() {
  std::vector<cli::CommandDoc> docs;
  for (const Command& command : kCommands) docs.push_back(cli::describe_command(command.run));
  return docs;
}

int run_program(std::vector<std::string> arguments) {
  fill_descriptors();
  std::signal(SIGXFSZ, SIG_IGN);  // a write beyond the limit then fails, with an error line
  runtime::use_arena_for_host_tensors();
  runtime::bound_matrix_kernels();
  try {
    runtime::check_product_choice();
    const int code = dispatch(std::move(arguments));
    check_stdout();
    return code;
  } catch (const UserError& error) {
    return report(2, "error: ", error.what());
  } catch (const NonFiniteError& error) {
    return report(3, "error: ", error.what());
  } catch (const distributed::FailedElsewhere& error) {
    return error.code();  // the first process reports
  } catch (const distributed::ConnectionLost& error) {
    return report(1, "error: ", error.what());
  } catch (const Interrupted& error) {
    return report(128 + error.signal(), "", error.what());
  } catch (const std::bad_alloc&) {
    return report(2,
                  "error: ", "not enough memory; lower train.batch_tokens or use a smaller model");
  } catch (const c10::OutOfMemoryError& error) {
    return report(2, "error: ", cat("not enough device memory: ", error.what_without_backtrace()));
  } catch (const c10::Error& error) {
    const std::string what = error.what_without_backtrace();
    if (what.find("DefaultCPUAllocator: can't allocate memory") != std::string::npos) {
      return report(2, "error: ", cat("not enough memory", what.substr(what.find_last_of(':'))));
    }
    return report(1, "error: internal: ", error.what_without_backtrace());
  } catch (const std::filesystem::filesystem_error& error) {
    return report(2, "error: ", error.what());
  } catch (const std::exception& error) {
    return report(1, "error: internal: ", error.what());
  }
}

}  // namespace unlearn::commands
