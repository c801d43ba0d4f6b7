#include "commands/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <iostream>
#include <limits>

#include "commands/cli.h"
#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"

namespace unlearn::commands {
namespace {

// What one value of a flag is.
template <class Value>
struct ElementOf {
  using Type = Value;
};
template <class Value>
struct ElementOf<std::optional<Value>> {
  using Type = Value;
};
template <class Value>
struct ElementOf<std::vector<Value>> {
  using Type = Value;
};

// Why a text is no value of a flag; empty when it is one. Stricter than CLI11, which moves numbers
// that do not fit to the nearest that does and lets NaN pass every range.
template <class Element>
std::string refusal(const std::string& text) {
  if (text.empty()) return "must not be empty";
  if constexpr (!std::is_same_v<Element, std::string>) {
    const char* begin = text.data() + (text.front() == '+' ? 1 : 0);
    const char* end = text.data() + text.size();
    Element value{};
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (error == std::errc() && stop == end && std::isfinite(static_cast<double>(value))) return "";
    if constexpr (std::is_integral_v<Element>) {
      return cat("must be a whole number from ", std::numeric_limits<Element>::min(), " to ",
                 std::numeric_limits<Element>::max(), ", not '", text, "'");
    } else {
      return cat("must be a finite number, not '", text, "'");
    }
  }
  return "";
}

}  // namespace

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
    : app_(std::make_unique<CLI::App>(help, "unlearn " + command)) {
  app_->set_version_flag("--version", "unlearn " + version_text());
}

Flags::~Flags() = default;

template <typename Value>
CLI::Option* Flags::add(const std::string& name, Value& value, const std::string& help) {
  CLI::Option* option = app_->add_option(name, value, help);
  option->check(refusal<typename ElementOf<Value>::Type>);
  return option;
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
  } catch (const CLI::CallForVersion&) {
    std::cout << app_->version() << "\n";
    return false;
  } catch (const CLI::ParseError& error) {
    std::string message = error.what();
    message = message.substr(0, message.find('\n'));
    user_error(message, " (see ", app_->get_name(), " --help)");
  }
  if (const auto extra = app_->remaining(); !extra.empty()) {
    std::vector<std::string> known;
    for (const CLI::Option* option : app_->get_options()) known.push_back(option->get_name());
    const bool is_flag = extra.front().starts_with("-");
    const std::string given = extra.front().substr(0, extra.front().find('='));
    user_error(is_flag ? "unknown flag '" : "unexpected argument '", given, "'",
               is_flag ? did_you_mean(given, known) : "", "; see ", app_->get_name(), " --help");
  }
  return true;
}

}  // namespace unlearn::commands
