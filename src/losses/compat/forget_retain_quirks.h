// The reference quirks of every method with a forget and a retain term.
#pragma once

#include "losses/methods.h"

namespace unlearn::losses {

class ForgetRetainQuirks {
 public:
  std::vector<Quirk> list();

  // MUSE's code: terms on raw logits instead of log-probabilities.
  bool raw_logits() const { return muse_logits_; }
  // The KL's sum is divided by sequences, not by positions.
  bool kl_by_sequence() const { return muse_logits_ || kl_per_sequence_; }
  // Makes the rows of a forward KL those that the quirks have.
  void adapt_kl(scoring::RowRequest& rows) const;
  // UserError for quirks that exclude each other, and for one that changes nothing: it would be
  // reported as reproduced.
  void check(const Needs& needs) const;
  void decorate(const Needs& needs, RunExamples& examples) const;

 private:
  bool muse_logits_ = false;
  bool kl_per_sequence_ = false;
  bool kl_padded_ = false;
  bool kl_padded_batch_ = false;
  bool pad_labels_ = false;
};

// Every position of a sequence, as the terms over raw logits have it.
scoring::RowRequest raw_rows(const scoring::RowFunction& function, double beta,
                             double margin = 0.0);

}  // namespace unlearn::losses
