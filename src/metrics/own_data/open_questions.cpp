#include <algorithm>

#include "metrics/own_data/findings.h"
#include "unlearn/core/plural.h"

namespace unlearn::metrics::own_data {
namespace {

constexpr size_t kFewRows = 8;

std::string listed_rows(const std::vector<size_t>& rows) {
  constexpr size_t kShown = 10;
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(kShown, rows.size()); ++i) names.push_back(cat(rows[i]));
  std::string text = cat(rows.size() == 1 ? "Row " : "Rows ", join(names, ", "));
  if (rows.size() > kShown) text += cat(" and ", rows.size() - kShown, " more");
  return text;
}

void about_preference(const Findings& findings, std::vector<std::string>& open) {
  if (!findings.logprob_base) {
    open.emplace_back(
        "The model from before it learnt these rows was not measured: that the answers are no "
        "likelier than other answers does not say that they are as unlikely as they were then.");
  }
  if (!findings.after) {
    open.emplace_back("There were no other answers to compare with, or a score was no number.");
    return;
  }
  std::vector<size_t> unknown;
  for (size_t i = 0; i < findings.rows.size(); ++i) {
    if (!findings.rows[i].preference_after) unknown.push_back(i);
  }
  if (!unknown.empty()) {
    open.push_back(cat(listed_rows(unknown),
                       ": no preference could be measured (no other answer, or no number)."));
  }
  if (findings.rows.size() < kFewRows) {
    open.push_back(cat("With ", counted(findings.rows.size(), "row"),
                       " chance has a large part: the mean preference lies between ",
                       number(findings.after->low, 2), " and ", number(findings.after->high, 2),
                       " (95 %)."));
  }
}

void about_outputs(const Findings& findings, const Evidence& evidence,
                   std::vector<std::string>& open) {
  const auto lacks = [&](auto member) {
    return std::any_of(evidence.rows.begin(), evidence.rows.end(),
                       [&](const RowEvidence& row) { return (row.*member).empty(); });
  };
  if (lacks(&RowEvidence::samples_after)) {
    open.emplace_back(
        "Only the likeliest output was looked at: what sampling brings out was not measured.");
  }
  if (lacks(&RowEvidence::others_after)) {
    open.emplace_back("Only the rows' own wording was asked: other wordings may bring them out.");
  }
  if (findings.samples_with_leaks > 0) {
    open.push_back(cat(counted(findings.samples_with_leaks, "sampled output"),
                       findings.samples_with_leaks == 1 ? " names" : " name",
                       " other rows' data; for the verdict only the likeliest outputs count."));
  }
  std::vector<size_t> bare;
  for (size_t i = 0; i < findings.rows.size(); ++i) {
    if (findings.rows[i].pieces.empty()) bare.push_back(i);
  }
  if (!bare.empty()) {
    open.push_back(
        cat(listed_rows(bare), bare.size() == 1 ? ": its answer has" : ": their answers have",
            " no number, name or rare word of its own, so that only the whole answer was "
            "looked for."));
  }
}

void about_the_rest(const Findings& findings, std::vector<std::string>& open) {
  if (!findings.held_out) {
    open.emplace_back(
        "No row was held out: what unlearning did to rows it did not train on is "
        "unknown.");
  } else if (findings.held_out->rows < static_cast<int64_t>(kFewRows)) {
    open.push_back(
        cat("The damage rests on ", counted(findings.held_out->rows, "held-out row"),
            findings.held_out->rows == 1
                ? std::string(".")
                : cat(": a fall between ", number(findings.held_out->fall_low, 2), " and ",
                      number(findings.held_out->fall_high, 2), " nats per token (95 %).")));
  }
  if (findings.retain_after.outputs == 0) {
    open.emplace_back(
        "No answers to other questions were read: whether they are still fluent is "
        "unknown.");
  }
  bool no_non_members = false, unclear = findings.attacks.empty();
  for (const auto& [name, attack] : findings.attacks) {
    no_non_members |= attack.reading == Membering::kNoNonMembers;
    unclear |= attack.reading == Membering::kUnknown;
  }
  if (no_non_members) {
    open.emplace_back(
        "Membership: before unlearning the held-out rows were no less known than the forget rows, "
        "so "
        "they are no non-members; an AUC below 0.5 is then what forgetting looks like, and "
        "over-unlearning cannot be seen.");
  } else if (unclear) {
    open.emplace_back("Membership: not measured, or too few rows to tell.");
  }
}

}  // namespace

std::vector<std::string> open_questions(const Findings& findings, const Evidence& evidence) {
  std::vector<std::string> open;
  about_preference(findings, open);
  about_outputs(findings, evidence, open);
  about_the_rest(findings, open);
  open.emplace_back(
      "Outputs and likelihoods were measured, not weights: further training on related rows, "
      "quantisation or white-box probes may bring back what these prompts do not.");
  return open;
}

}  // namespace unlearn::metrics::own_data
