#include "losses/methods.h"
#include "unlearn/core/error.h"

namespace unlearn::losses {
namespace {

const Alias* find_alias(const Method& method, const std::string& wanted) {
  for (const Alias& alias : method.info.aliases) {
    if (canonical_name(alias.name) == wanted) {
      return &alias;
    }
  }
  return nullptr;
}

// Names of methods that are no loss, and the commands that do them.
struct OtherCommand {
  std::vector<std::string> names;
  const char* command;
};

void point_to_command(const std::string& wanted) {
  static const std::vector<OtherCommand> others = {
      {{"task_vector", "tv"}, "unlearn task-vector --model DIR --finetuned DIR --output DIR"},
      {{"whp"}, "unlearn generate --model DIR --whp-reinforced DIR"}};
  for (const OtherCommand& other : others) {
    if (std::find(other.names.begin(), other.names.end(), wanted) != other.names.end()) {
      user_error("method.name: '", wanted, "' trains nothing; use: ", other.command);
    }
  }
}

}  // namespace

std::string canonical_name(const std::string& name) {
  std::string result = to_lower(name);
  for (char& letter : result) {
    if (letter == '-' || letter == '+' || letter == '=') letter = '_';
  }
  return result;
}

const std::vector<Method>& methods() {
  static const std::vector<Method> all = {
#define LOSS(name) method_##name(),
#include "losses/losses.def"
#undef LOSS
  };
  return all;
}

const Method& find_method(const std::string& name) {
  const std::string wanted = canonical_name(name);
  // Our own names first, so that an alias can never hide one.
  for (const Method& method : methods()) {
    if (canonical_name(method.info.name) == wanted) {
      return method;
    }
  }
  std::vector<std::string> names;
  std::vector<std::string> spellings;
  for (const Method& method : methods()) {
    if (find_alias(method, wanted) != nullptr) {
      return method;
    }
    names.push_back(method.info.name);
    spellings.push_back(method.info.name);
    for (const Alias& alias : method.info.aliases) {
      spellings.push_back(alias.name);
    }
  }
  point_to_command(wanted);
  user_error("method.name: unknown method '", name, "'", did_you_mean(name, spellings),
             "; known: ", join(names, ", "));
}

Defaults implied_settings(const std::string& name) {
  const Method& method = find_method(name);
  const std::string wanted = canonical_name(name);
  if (canonical_name(method.info.name) == wanted) {
    return {};
  }
  return find_alias(method, wanted)->implies;
}

bool Needs::any_reference() const {
  return reference_forget || reference_alternate || reference_hidden_retain ||
         scoring::needs_reference(forget_rows.function) ||
         scoring::needs_reference(retain_rows.function);
}

std::vector<Diagnostic> Loss::diagnostics(const LossInputs&) const { return {}; }

std::vector<Statistic> Loss::statistics(const LossInputs&) const { return {}; }

void Loss::set_statistics(const std::vector<double>&) {}

void Loss::observe(const std::vector<double>&, double) {}

void Loss::observe_epoch(const std::vector<double>&, double) {}

}  // namespace unlearn::losses
