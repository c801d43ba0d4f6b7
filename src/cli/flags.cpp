#include "cli/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <iostream>
#include <limits>
#include <map>

#include "cli/help.h"
#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"
#include "unlearn/run/version.h"

namespace unlearn::cli {
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

// What stands for a value of this type, and its default as text.
std::string shown_value(const std::string&) { return "TEXT"; }
std::string shown_value(int64_t) { return "N"; }
std::string shown_value(uint64_t) { return "N"; }
std::string shown_value(double) { return "X"; }

std::string default_text(const std::string& value) { return value; }
std::string default_text(int64_t value) { return cat(value); }
std::string default_text(uint64_t value) { return cat(value); }
std::string default_text(double value) { return number(value); }
template <class Value>
std::string default_text(const std::optional<Value>&) {
  return "";
}
template <class Value>
std::string default_text(const std::vector<Value>& values) {
  std::vector<std::string> texts;
  for (const Value& value : values) texts.push_back(default_text(value));
  return join(texts, ",");
}

// What the value of a flag that many commands have is.
std::string value_of(const std::string& name, const std::string& fallback) {
  static const std::map<std::string, std::string> kValues = {
      {"--model", "DIR"},      {"--adapter", "DIR"},     {"--finetuned", "DIR"},
      {"--output", "PATH"},    {"--input", "FILE"},      {"--config", "FILE"},
      {"--log", "FILE"},       {"--retain-log", "PATH"}, {"--whp-reinforced", "DIR"},
      {"--template", "NAME"},  {"--set", "KEY=VALUE"},   {"--device", "NAME"},
      {"--benchmark", "NAME"}, {"runs", "DIR"},          {"folder", "DIR"}};
  const auto found = kValues.find(name);
  return found == kValues.end() ? fallback : found->second;
}

// Where describe_command wants the flags of the command that is run.
CommandDoc* wanted_doc = nullptr;

}  // namespace

Flag& Flag::required() {
  option_->required();
  doc_.is_required = true;
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
  doc_.choices = values;
  return *this;
}

Flag& Flag::one_of_words(const std::vector<std::string>& words) {
  doc_.choices = words;
  return *this;
}

Flag& Flag::shown_as(const std::string& value) {
  doc_.value = value;
  return *this;
}

Flag& Flag::otherwise(const std::string& fallback) {
  doc_.fallback = fallback;
  return *this;
}

Flags::Flags(const std::string& help, const std::string& command, const std::string& example)
    : app_(std::make_unique<CLI::App>(help, "unlearn " + command)),
      doc_{command, help, example, {}} {
  app_->set_version_flag("-V,--version", "unlearn " + run::version_text());
}

Flags::~Flags() = default;

FlagDoc& Flags::describe(const std::string& name, const std::string& value,
                         const std::string& help) {
  FlagDoc& doc = doc_.flags.emplace_back();
  doc.name = name;
  doc.value = value.empty() ? value : value_of(name, value);
  doc.help = help;
  doc.group = group_;
  return doc;
}

template <typename Value>
Flag Flags::add(const std::string& name, Value& value, const std::string& help) {
  using Element = typename ElementOf<Value>::Type;
  CLI::Option* option = app_->add_option(name, value, help);
  option->check(refusal<Element>);
  FlagDoc& doc = describe(name, shown_value(Element{}), help);
  doc.fallback = default_text(value);
  return {option, doc};
}

Flag Flags::add_option(const std::string& name, std::string& value, const std::string& help) {
  return add(name, value, help);
}
Flag Flags::add_option(const std::string& name, int64_t& value, const std::string& help) {
  return add(name, value, help);
}
Flag Flags::add_option(const std::string& name, uint64_t& value, const std::string& help) {
  return add(name, value, help);
}
Flag Flags::add_option(const std::string& name, double& value, const std::string& help) {
  return add(name, value, help);
}
Flag Flags::add_option(const std::string& name, std::optional<int64_t>& value,
                       const std::string& help) {
  return add(name, value, help);
}
Flag Flags::add_option(const std::string& name, std::optional<double>& value,
                       const std::string& help) {
  return add(name, value, help);
}

Flag Flags::add_option(const std::string& name, std::vector<std::string>& values,
                       const std::string& help) {
  const Flag flag = add(name, values, help);
  doc_.flags.back().is_repeatable = true;
  if (name.starts_with("--")) app_->get_option(name)->allow_extra_args(false);
  return flag;
}

Flag Flags::add_option(const std::string& name, std::vector<int64_t>& values,
                       const std::string& help) {
  const Flag flag = add(name, values, help);
  doc_.flags.back().value = "N,N,…";
  app_->get_option(name)->delimiter(',');
  return flag;
}

void Flags::add_flag(const std::string& name, bool& value, const std::string& help) {
  app_->add_flag(name, value, help);
  describe(name, "", help);
}

void Flags::refuse_extra(const std::string& argument) const {
  const std::string given = argument.substr(0, argument.find('='));
  if (!given.starts_with("-")) {
    user_error("unexpected argument '", given, "'; see ", app_->get_name(), " --help");
  }
  std::vector<std::string> known = {"--help", "--version"};
  for (const FlagDoc& flag : doc_.flags) known.push_back(flag.name);
  for (const std::string& key : settings_) known.push_back("--set " + key);
  user_error("unknown flag '", given, "'", did_you_mean(given, known), "; see ", app_->get_name(),
             " --help");
}

bool Flags::parse(std::vector<std::string> arguments) {
  if (wanted_doc != nullptr) {
    *wanted_doc = doc_;
    return false;
  }
  app_->allow_extras();
  for (CLI::Option* option : app_->get_options(
           [](const CLI::Option* candidate) { return candidate->get_items_expected_max() == 1; })) {
    option->take_last();
  }
  try {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    app_->parse(arguments);
  } catch (const CLI::CallForHelp&) {
    std::cout << help_text(doc_, output_width());
    return false;
  } catch (const CLI::CallForVersion&) {
    std::cout << app_->version() << "\n";
    return false;
  } catch (const CLI::ParseError& error) {
    std::string message = error.what();
    message = message.substr(0, message.find('\n'));
    user_error(message, " (see ", app_->get_name(), " --help)");
  }
  if (const auto extra = app_->remaining(); !extra.empty()) refuse_extra(extra.front());
  return true;
}

CommandDoc describe_command(int (*run)(std::vector<std::string>)) {
  CommandDoc doc;
  wanted_doc = &doc;
  run({});
  wanted_doc = nullptr;
  return doc;
}

}  // namespace unlearn::cli
