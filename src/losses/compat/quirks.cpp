// train.compat: the references' deviations by name.
#include <algorithm>

#include "losses/methods.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/losses/compat.h"

namespace unlearn::losses {
namespace {

constexpr const char* kPadIsMasked = "pad_is_masked";

// OpenUnlearning gives a tokenizer without a pad token its EOS.
void mask_pad_tokens(RunExamples& examples) {
  const std::optional<int32_t> token = examples.pad ? examples.pad : examples.eos;
  if (!token) {
    user_error("train.compat: pad_is_masked: the tokenizer names neither a pad token nor EOS");
  }
  int64_t rows = 0;
  for (std::vector<data::Example>* list :
       {examples.forget, examples.retain, examples.alternate, examples.train}) {
    if (list == nullptr) continue;
    for (data::Example& example : *list) {
      // An end token that is only predicted is not there to be hidden.
      const auto end = example.tokens.end() - 1;
      if (std::find(example.tokens.begin(), end, *token) != end) ++rows;
      data::hide_token(example, *token);
    }
  }
  log::info("pad_is_masked: token ", *token, " is hidden in ", rows, " rows");
}

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

bool names_pad_is_masked(const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return canonical_name(name) == kPadIsMasked; });
}

}  // namespace

const std::vector<Quirk>& run_quirks() {
  static const std::vector<Quirk> quirks = {
      {kPadIsMasked,
       "OpenUnlearning: every position whose token is the pad token (EOS where there is none) is "
       "hidden from attention, in prompts and answers too"}};
  return quirks;
}

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

void decorate_examples(Loss& loss, const std::vector<std::string>& names, RunExamples& examples) {
  for (const Quirk& quirk : loss.quirks()) {
    const bool is_on = quirk.on != nullptr && *quirk.on;
    if (is_on && !quirk.benchmark.empty() && quirk.benchmark != examples.benchmark) {
      user_error("train.compat: ", quirk.name, " belongs to data.benchmark: ", quirk.benchmark,
                 ", not ", examples.benchmark);
    }
  }
  loss.decorate(examples);
  if (names_pad_is_masked(names)) mask_pad_tokens(examples);
}

const std::vector<std::pair<std::string, std::string>>& foreign_parameters() {
  static const std::vector<std::pair<std::string, std::string>> names = {
      {"alpha", "retain_weight"},           {"retain_loss_type", "retain_loss"},
      {"npo_coeff", "forget_weight"},       {"coeff", "retain_weight"},
      {"grad_diff_coeff", "retain_weight"}, {"KL_coeff", "retain_weight"}};
  return names;
}

}  // namespace unlearn::losses
