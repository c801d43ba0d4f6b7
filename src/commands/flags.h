// The flags of one command. The command line is parsed by CLI11, whose header costs seconds in
// every file that sees it: only flags.cpp does.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace unlearn::commands {

// What else one flag asks for. A value that does not fit is a UserError that names the flag.
class Flag {
 public:
  explicit Flag(CLI::Option* option) : option_(option) {}

  Flag& required();
  Flag& between(int64_t low, int64_t high);
  Flag& between(double low, double high);
  Flag& one_of(const std::vector<std::string>& values);

 private:
  CLI::Option* option_;
};

class Flags {
 public:
  Flags(const std::string& help, const std::string& command);
  ~Flags();

  // Each value is written into `value` (which holds the default) when the flag is given; given
  // twice, the later one counts, so that scripts can append to a common command. Names start with
  // "--"; one without is positional.
  Flag add_option(const std::string& name, std::string& value, const std::string& help);
  Flag add_option(const std::string& name, int64_t& value, const std::string& help);
  Flag add_option(const std::string& name, uint64_t& value, const std::string& help);
  Flag add_option(const std::string& name, double& value, const std::string& help);
  Flag add_option(const std::string& name, std::optional<int64_t>& value, const std::string& help);
  Flag add_option(const std::string& name, std::optional<double>& value, const std::string& help);
  // Repeatable (--name A --name B); positional: all that stand there.
  Flag add_option(const std::string& name, std::vector<std::string>& values,
                  const std::string& help);
  // Separated by commas.
  Flag add_option(const std::string& name, std::vector<int64_t>& values, const std::string& help);
  void add_flag(const std::string& name, bool& value, const std::string& help);

  // False when --help or --version was asked for and printed to stdout. UserError for an unknown
  // flag (naming the nearest), a missing one, or a bad value: an empty text, a number that is not
  // finite or does not fit.
  bool parse(std::vector<std::string> arguments);

 private:
  template <typename Value>
  CLI::Option* add(const std::string& name, Value& value, const std::string& help);

  std::unique_ptr<CLI::App> app_;
};

}  // namespace unlearn::commands
