#include "losses/compat/padding.h"

#include <algorithm>

#include "unlearn/core/error.h"

namespace unlearn::losses {
namespace {

void pad(data::Example& example, const PadRule& rule) {
  const auto before = static_cast<int64_t>(example.tokens.size());
  const int64_t added = std::max<int64_t>(0, rule.length - before);
  const bool ends_padded = !rule.labelled && example.tokens.back() == rule.token;
  const auto length = static_cast<size_t>(before + added);
  example.num_appended = added;
  example.tokens.resize(length, rule.token);
  example.labels.resize(length, rule.labelled ? rule.token : data::kIgnored);
  if (rule.labelled) example.num_labels += added;
  if (added == 0 && !ends_padded) return;
  example.seen.resize(static_cast<size_t>(before), 1);
  if (ends_padded) example.seen.back() = 0;
  example.seen.resize(length, 0);
}

}  // namespace

void pad_examples(std::vector<data::Example>& examples, const PadRule& rule) {
  for (data::Example& example : examples) pad(example, rule);
}

void pad_run(const PaddedRoles& roles, RunExamples& examples) {
  if (!roles.forget && !roles.retain) return;
  if (examples.forget == nullptr && examples.retain == nullptr) {
    user_error("train.compat: only forget and retain texts can be padded, and this run has none");
  }
  if (!examples.eos) user_error("train.compat: the tokenizer names no EOS to pad with");
  const PadRule rule{examples.max_length, *examples.eos, roles.labelled};
  if (roles.forget && examples.forget != nullptr) pad_examples(*examples.forget, rule);
  if (roles.retain && examples.retain != nullptr) pad_examples(*examples.retain, rule);
}

int64_t end_of_longest_text(const std::vector<const data::Example*>& examples,
                            scoring::RowPositions positions) {
  int64_t longest = 0;
  for (const data::Example* example : examples) {
    longest =
        std::max(longest, static_cast<int64_t>(example->tokens.size()) - example->num_appended);
  }
  return longest - (scoring::reads_last_token(positions) ? 0 : 1);
}

Quirk pad_labels_quirk(bool* on) {
  return {"wmdp_pad_labels",
          "Unlearn-Simple's WMDP code: texts are padded to data.max_length and padding is labelled",
          on,
          {},
          "wmdp"};
}

}  // namespace unlearn::losses
