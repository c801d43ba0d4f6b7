#include "losses/methods.h"
#include "unlearn/core/error.h"

namespace unlearn::losses {
namespace {

// One spelling for comparison: lower case, "-" and "+" as "_".
std::string canonical(const std::string& name) {
  std::string result = to_lower(name);
  for (char& letter : result) {
    if (letter == '-' || letter == '+') {
      letter = '_';
    }
  }
  return result;
}

const Alias* find_alias(const Method& method, const std::string& wanted) {
  for (const Alias& alias : method.info.aliases) {
    if (canonical(alias.name) == wanted) {
      return &alias;
    }
  }
  return nullptr;
}

}  // namespace

const std::vector<Method>& methods() {
  static const std::vector<Method> all = {
#define LOSS(name) method_##name(),
#include "losses/losses.def"
#undef LOSS
  };
  return all;
}

const Method& find_method(const std::string& name) {
  const std::string wanted = canonical(name);
  // Our own names first, so that an alias can never hide one.
  for (const Method& method : methods()) {
    if (canonical(method.info.name) == wanted) {
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
  user_error("method.name: unknown method '", name, "'", did_you_mean(name, spellings),
             "; known: ", join(names, ", "));
}

Defaults implied_settings(const std::string& name) {
  const Method& method = find_method(name);
  const std::string wanted = canonical(name);
  if (canonical(method.info.name) == wanted) {
    return {};
  }
  return find_alias(method, wanted)->implies;
}

std::vector<Diagnostic> Loss::diagnostics(const LossInputs&) const { return {}; }

std::vector<Statistic> Loss::statistics(const LossInputs&) const { return {}; }

void Loss::set_statistics(const std::vector<double>&) {}

}  // namespace unlearn::losses
