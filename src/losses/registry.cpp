#include "losses/methods.h"
#include "losses/rows.h"
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

void point_to_command(const std::string& wanted) {
  for (const OtherMethod& other : other_methods()) {
    const auto& aliases = other.aliases;
    const bool is_named = canonical_name(other.name) == wanted ||
                          std::find(aliases.begin(), aliases.end(), wanted) != aliases.end();
    if (is_named) {
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

const std::vector<const scoring::RowFunction*>& row_functions() {
  static const std::vector<const scoring::RowFunction*> all = {
      &scoring::forward_kl(),
#define ROW(name) &row_##name(),
#include "losses/rows.def"
#undef ROW
  };
  return all;
}

const std::vector<OtherMethod>& other_methods() {
  static const std::vector<OtherMethod> all = {
      {"task_vector",
       "subtracts what fine-tuning on the forget data added to the weights",
       {"tv"},
       "unlearn task-vector --model DIR --finetuned DIR --output DIR"},
      {"whp",
       "Who's Harry Potter: lowers at every step what a model trained further on the forget data "
       "raises",
       {"whos_harry_potter"},
       "unlearn generate --model DIR --whp-reinforced DIR"}};
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

bool Needs::reads(data::Role role) const {
  return role == data::Role::kForget ? forget : role == data::Role::kRetain ? retain : alternate;
}

bool Needs::any_reference() const {
  return reference_forget || reference_alternate || reference_hidden_retain ||
         forget_rows.needs_reference() || retain_rows.needs_reference();
}

std::vector<Diagnostic> Loss::diagnostics(const LossInputs&) const { return {}; }

std::vector<Statistic> Loss::statistics(const LossInputs&) const { return {}; }

void Loss::set_statistics(const std::vector<double>&) {}

void Loss::observe(const std::vector<double>&, double) {}

void Loss::observe_epoch(const std::vector<double>&, double) {}

}  // namespace unlearn::losses
