#include "commands/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"

namespace unlearn::commands {

Flag& Flag::required() {
  option_->required();
  return *this;
}

Flag& Flag::between(int64_t low, int64_t high) {
  option_->check(CLI::Range(low, high));
  return *this;
}

Flag& Flag::between(double low, double high) {
  option_->check(CLI::Range(low, high));
  return *this;
}

Flag& Flag::one_of(const std::vector<std::string>& values) {
  option_->check(CLI::IsMember(values));
  return *this;
}

Flags::Flags(const std::string& help, const std::string& command)
    : app_(std::make_unique<CLI::App>(help, command)) {}

Flags::~Flags() = default;

template <typename Value>
CLI::Option* Flags::add(const std::string& name, Value& value, const std::string& help) {
  return app_->add_option(name, value, help);
}

Flag Flags::add_option(const std::string& name, std::string& value, const std::string& help) {
  return Flag(add(name, value, help));
}
Flag Flags::add_option(const std::string& name, int64_t& value, const std::string& help) {
  return Flag(add(name, value, help));
}
Flag Flags::add_option(const std::string& name, uint64_t& value, const std::string& help) {
  return Flag(add(name, value, help));
}
Flag Flags::add_option(const std::string& name, double& value, const std::string& help) {
  return Flag(add(name, value, help));
}
Flag Flags::add_option(const std::string& name, std::optional<int64_t>& value,
                       const std::string& help) {
  return Flag(add(name, value, help));
}
Flag Flags::add_option(const std::string& name, std::optional<double>& value,
                       const std::string& help) {
  return Flag(add(name, value, help));
}

Flag Flags::add_option(const std::string& name, std::vector<std::string>& values,
                       const std::string& help) {
  CLI::Option* option = add(name, values, help);
  if (name.starts_with("--")) option->allow_extra_args(false);
  return Flag(option);
}

Flag Flags::add_option(const std::string& name, std::vector<int64_t>& values,
                       const std::string& help) {
  CLI::Option* option = add(name, values, help);
  option->delimiter(',');
  return Flag(option);
}

void Flags::add_flag(const std::string& name, bool& value, const std::string& help) {
  app_->add_flag(name, value, help);
}

bool Flags::parse(std::vector<std::string> arguments) {
  app_->allow_extras();
  for (CLI::Option* option : app_->get_options(
           [](const CLI::Option* candidate) { return candidate->get_items_expected_max() == 1; })) {
    option->take_last();
  }
  try {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    app_->parse(arguments);
  } catch (const CLI::CallForHelp&) {
    std::cout << app_->help();
    return false;
  } catch (const CLI::ParseError& error) {
    std::string message = error.what();
    message = message.substr(0, message.find('\n'));
    user_error(message, " (see unlearn ", app_->get_name(), " --help)");
  }
  if (const auto extra = app_->remaining(); !extra.empty()) {
    std::vector<std::string> known;
    for (const CLI::Option* option : app_->get_options()) known.push_back(option->get_name());
    const bool is_flag = extra.front().starts_with("-");
    const std::string given = extra.front().substr(0, extra.front().find('='));
    user_error(is_flag ? "unknown flag '" : "unexpected argument '", given, "'",
               is_flag ? did_you_mean(given, known) : "", "; see unlearn ", app_->get_name(),
               " --help");
  }
  return true;
}

}  // namespace unlearn::commands
