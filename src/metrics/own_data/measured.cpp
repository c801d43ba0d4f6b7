#include "unlearn/metrics/own_data/measured.h"

#include "unlearn/core/error.h"

namespace unlearn::metrics::own_data {
namespace {

void check_same(bool same, const char* what) {
  if (!same) user_error("before and after were not measured on the same ", what);
}

RowEvidence row_evidence(const MeasuredRow& before, const MeasuredRow& after) {
  check_same(before.text.question == after.text.question && before.text.answer == after.text.answer,
             "forget rows");
  RowEvidence row;
  row.text = after.text;
  row.logprob_before = before.logprob;
  row.logprob_after = after.logprob;
  row.logprob_base = after.logprob_base ? after.logprob_base : before.logprob_base;
  row.scores_before = before.scores;
  row.scores_after = after.scores;
  row.output_before = before.output;
  row.output_after = after.output;
  row.others_before = before.others;
  row.others_after = after.others;
  row.samples_before = before.samples;
  row.samples_after = after.samples;
  return row;
}

BeforeAfter both(const std::vector<double>& before, const std::vector<double>& after,
                 const char* what) {
  check_same(before.size() == after.size(), what);
  return {before, after};
}

}  // namespace

Evidence evidence_of(const Measured& before, const Measured& after) {
  check_same(before.rows.size() == after.rows.size(), "forget rows");
  Evidence evidence;
  for (size_t i = 0; i < after.rows.size(); ++i) {
    evidence.rows.push_back(row_evidence(before.rows[i], after.rows[i]));
  }
  evidence.retain = after.retain;
  evidence.general = after.general;
  evidence.seen = both(before.seen, after.seen, "retain rows");
  evidence.held_out = both(before.held_out, after.held_out, "held-out rows");
  evidence.neighbours = both(before.neighbours, after.neighbours, "neighbours");
  evidence.general_text = both(before.general_text, after.general_text, "general texts");
  evidence.retain_outputs_before = before.retain_outputs;
  evidence.retain_outputs_after = after.retain_outputs;
  evidence.attacks_before = before.attacks;
  evidence.attacks_after = after.attacks;
  return evidence;
}

}  // namespace unlearn::metrics::own_data
