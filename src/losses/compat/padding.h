// Padding, for the quirks that read the model's outputs at it: examples are padded before they are
// packed, and the padding is hidden from attention.
#pragma once

#include "losses/methods.h"

namespace unlearn::losses {

// How a reference's data set pads its sequences to a fixed length, on the right.
struct PadRule {
  int64_t length = 0;
  int32_t token = 0;
  // WMDP: padding is labelled. Otherwise (TOFU) it is not, and the token that ends an answer is
  // padding too where it is the pad token: TOFU's attention mask comes from the text alone.
  bool labelled = false;
};
void pad_examples(std::vector<data::Example>& examples, const PadRule& rule);

// Whose sequences are padded.
struct PaddedRoles {
  bool forget = false;
  bool retain = false;
  bool labelled = false;
};
// Pads to data.max_length with EOS, as the references do. UserError without an EOS, and where there
// is nothing to be padded.
void pad_run(const PaddedRoles& roles, RunExamples& examples);

// A scoring::RowEnd: the longest text of the role in the micro-batch, as if it had been padded to
// that and not further.
int64_t end_of_longest_text(const std::vector<const data::Example*>& examples,
                            scoring::RowPositions positions);

// The quirk of WMDP's code that every method reading its data sets may have.
Quirk pad_labels_quirk(bool* on);
inline constexpr PaddedRoles kPaddedLabels{.forget = true, .retain = true, .labelled = true};

}  // namespace unlearn::losses
