// A command line described once: the flags of one command, which are parsed, shown as help, and
// written as completions and as the manual page. The command line is parsed by CLI11, whose header
// costs seconds in every file that sees it: only flags.cpp does.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): the library calls itself so
class App;
class Option;
}  // namespace CLI

namespace unlearn::cli {

// One flag as the help, the completions and the manual page show it.
struct FlagDoc {
  std::string name;      // "--lr"; without dashes: positional
  std::string value;     // what stands for its value ("DIR"); empty: it takes none
  std::string help;      // one line
  std::string fallback;  // what counts when it is not given; empty: nothing to say
  std::string group;     // heading it stands below
  std::vector<std::string> choices;
  bool is_required = false;
  bool is_repeatable = false;
};

struct CommandDoc {
  std::string name;
  std::string help;
  std::string example;  // a command line that can be typed
  std::deque<FlagDoc> flags;
};

// What else one flag asks for. A value that does not fit is a UserError that names the flag.
class Flag {
 public:
  Flag(CLI::Option* option, FlagDoc& doc) : option_(option), doc_(doc) {}

  Flag& required();
  Flag& between(int64_t low, int64_t high);
  Flag& between(double low, double high);
  Flag& one_of(const std::vector<std::string>& values);
  // Words that a shell may complete; others are looked at by the command.
  Flag& one_of_words(const std::vector<std::string>& words);
  // For the help alone: what stands for the value, and what counts when the flag is not given.
  Flag& shown_as(const std::string& value);
  Flag& otherwise(const std::string& fallback);

 private:
  CLI::Option* option_;
  FlagDoc& doc_;
};

class Flags {
 public:
  Flags(const std::string& help, const std::string& command, const std::string& example);
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

  // The heading of the flags that are added from now on.
  void begin_group(const std::string& heading) { group_ = heading; }
  // Config keys that an unknown flag may be meant for; they are given with --set.
  void suggest_settings(const std::vector<std::string>& keys) { settings_ = keys; }

  // False when --help or --version was asked for and printed to stdout. UserError for an unknown
  // flag (naming the nearest), a missing one, or a bad value: an empty text, a number that is not
  // finite or does not fit.
  bool parse(std::vector<std::string> arguments);

 private:
  template <typename Value>
  Flag add(const std::string& name, Value& value, const std::string& help);
  FlagDoc& describe(const std::string& name, const std::string& value, const std::string& help);
  void refuse_extra(const std::string& argument) const;

  std::unique_ptr<CLI::App> app_;
  CommandDoc doc_;
  std::string group_ = "Flags";
  std::vector<std::string> settings_;
};

// The flags of a command, which is run until it parses its arguments and no further.
CommandDoc describe_command(int (*run)(std::vector<std::string>));

}  // namespace unlearn::cli
