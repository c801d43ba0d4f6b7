#include "losses/compat/forget_retain_quirks.h"

#include <algorithm>

#include "losses/compat/padding.h"
#include "losses/rows.h"
#include "unlearn/core/error.h"

namespace unlearn::losses {

using scoring::RowFunction;
using scoring::RowPositions;
using scoring::RowRequest;

std::vector<Quirk> ForgetRetainQuirks::list() {
  return {{"muse_logits",
           "MUSE's and Unlearn-Simple's MUSE code: NPO, SimNPO and KL on raw logits of every "
           "position",
           &muse_logits_},
          {"kl_per_sequence",
           "Unlearn-Simple's synthetic code: KL summed over label positions, divided by sequences",
           &kl_per_sequence_},
          {"kl_padded",
           "TOFU's and Unlearn-Simple's TOFU code: KL over all positions of sequences padded to "
           "data.max_length",
           &kl_padded_},
          {"kl_padded_batch",
           "OpenUnlearning: KL over all positions of sequences padded to the longest of the "
           "micro-batch",
           &kl_padded_batch_},
          pad_labels_quirk(&pad_labels_)};
}

void ForgetRetainQuirks::adapt_kl(RowRequest& rows) const {
  if (kl_per_sequence_) rows.positions = RowPositions::kLabels;
  if (kl_padded_ || kl_padded_batch_) rows.positions = RowPositions::kAll;
  if (kl_padded_batch_) rows.end = end_of_longest_text;
  if (muse_logits_) {
    rows.function = &row_raw_kl();
    rows.positions = RowPositions::kAll;
  }
}

void ForgetRetainQuirks::check(const Needs& needs) const {
  if (kl_padded_ && kl_padded_batch_) {
    user_error("train.compat: kl_padded and kl_padded_batch pad to different lengths; name one");
  }
  const auto computes = [&](std::initializer_list<const RowFunction*> functions) {
    return std::any_of(functions.begin(), functions.end(), [&](const RowFunction* function) {
      return needs.forget_rows.function == function || needs.retain_rows.function == function;
    });
  };
  const std::pair<bool, const char*> of_kl[] = {{kl_padded_, "kl_padded"},
                                                {kl_padded_batch_, "kl_padded_batch"},
                                                {kl_per_sequence_, "kl_per_sequence"}};
  const bool has_any_kl = computes({&scoring::forward_kl(), &row_raw_kl()});
  for (const auto& [on, name] : of_kl) {
    if (on && !has_any_kl) {
      user_error("train.compat: ", name,
                 " changes nothing here: this run computes no KL "
                 "(method.retain_loss: kl)");
    }
  }
  if (muse_logits_ && !computes({&row_raw_kl(), &row_raw_npo(), &row_raw_simnpo()})) {
    user_error(
        "train.compat: muse_logits changes nothing here: it is of npo, simnpo and "
        "method.retain_loss: kl");
  }
}

// The roles whose rows are looked at behind their texts.
void ForgetRetainQuirks::decorate(const Needs& needs, RunExamples& examples) const {
  if (pad_labels_) return pad_run(kPaddedLabels, examples);
  const auto pads = [&](const RowRequest& rows) {
    return rows.end == end_of_longest_text ||
           (kl_padded_ && rows.function == &scoring::forward_kl());
  };
  pad_run({.forget = pads(needs.forget_rows), .retain = pads(needs.retain_rows)}, examples);
}

RowRequest raw_rows(const RowFunction& function, double beta, double margin) {
  RowRequest rows;
  rows.function = &function;
  rows.positions = RowPositions::kAll;
  rows.beta = beta;
  rows.margin = margin;
  return rows;
}

}  // namespace unlearn::losses
