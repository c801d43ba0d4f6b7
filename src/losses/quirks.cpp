// train.compat: the references' deviations by name.
#include "losses/methods.h"
#include "unlearn/core/error.h"

namespace unlearn::losses {
namespace {

const Quirk* find(const std::vector<Quirk>& quirks, const std::string& wanted) {
  for (const Quirk& quirk : quirks) {
    if (canonical_name(quirk.name) == wanted) return &quirk;
  }
  return nullptr;
}

[[noreturn]] void refuse(const std::string& name, const std::string& method) {
  const std::string wanted = canonical_name(name);
  std::vector<std::string> owners;
  std::vector<std::string> known;
  for (const Quirk& quirk : run_quirks()) known.push_back(quirk.name);
  for (const Method& other : methods()) {
    const auto loss = other.make();
    const std::vector<Quirk> quirks = loss->quirks();
    if (find(quirks, wanted) != nullptr) owners.push_back(other.info.name);
    for (const Quirk& quirk : quirks) {
      if (std::find(known.begin(), known.end(), quirk.name) == known.end()) {
        known.push_back(quirk.name);
      }
    }
  }
  if (!owners.empty()) {
    user_error("train.compat: '", name, "' is not a quirk of ", method, " but of ",
               join(owners, ", "));
  }
  user_error("train.compat: unknown quirk '", name, "'", did_you_mean(name, known),
             "; known: ", join(known, ", "));
}

}  // namespace

void enable_quirks(Loss& loss, const std::string& method, const std::vector<std::string>& names) {
  const std::vector<Quirk> quirks = loss.quirks();
  for (const std::string& name : names) {
    if (find(run_quirks(), canonical_name(name)) != nullptr) continue;
    const Quirk* quirk = find(quirks, canonical_name(name));
    if (quirk == nullptr) refuse(name, method);
    if (quirk->on != nullptr) *quirk->on = true;
  }
}

Defaults quirk_settings(Loss& loss, const std::vector<std::string>& names) {
  const std::vector<Quirk> quirks = loss.quirks();
  Defaults settings;
  for (const std::string& name : names) {
    if (const Quirk* quirk = find(quirks, canonical_name(name))) {
      settings = settings + quirk->implies;
    }
  }
  return settings;
}

const std::vector<std::pair<std::string, std::string>>& foreign_parameters() {
  static const std::vector<std::pair<std::string, std::string>> names = {
      {"alpha", "retain_weight"},           {"retain_loss_type", "retain_loss"},
      {"npo_coeff", "forget_weight"},       {"coeff", "retain_weight"},
      {"grad_diff_coeff", "retain_weight"}, {"KL_coeff", "retain_weight"}};
  return names;
}

}  // namespace unlearn::losses
