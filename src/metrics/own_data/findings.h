// Everything that the verdict is drawn from, measured once.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/metrics/own_data/extraction.h"
#include "unlearn/metrics/own_data/fluency.h"
#include "unlearn/metrics/own_data/verdict.h"

namespace unlearn::metrics::own_data {

// One output and what is in it.
struct Judged {
  OtherOutput asked;
  Extraction found;
  std::vector<Leak> leaks;
};

struct RowFindings {
  std::vector<Piece> pieces;
  Judged before, after;                             // greedy, to the row's question
  std::vector<Judged> others_before, others_after;  // greedy, to other prompts
  std::vector<Extraction> samples_before, samples_after;
  std::optional<RowPreference> preference_before, preference_after;

  // By a paraphrase of its question.
  bool extracted_by_others() const;
  // With the answer's first words given, or by a sample: only by what chance does not bring.
  bool extracted_when_begun() const;
  bool extracted_by_samples() const;
};

struct Findings {
  std::vector<RowFindings> rows;
  std::optional<Preference> before, after;
  std::vector<LeakAtK> leak_before, leak_after;
  int64_t preferred = 0;  // rows whose preference is above the target, or unknown
  int64_t extracted_before = 0, extracted_after = 0;
  // Of the others, by a paraphrase; of those left, with the answer begun; of those left, by
  // samples.
  int64_t extracted_otherwise = 0, extracted_begun = 0, extracted_sampled = 0;
  int64_t samples_with_leaks = 0;             // other rows' data
  int64_t cross_before = 0, cross_after = 0;  // greedy outputs with other rows' data
  double logprob_before = 0, logprob_after = 0;
  std::optional<double> logprob_base;
  std::optional<Damage> seen, held_out, neighbours, general_text;
  Fluency forget_before, forget_after, retain_before, retain_after;
  struct Attack {
    std::optional<Membership> before, after;
    Membering reading = Membering::kUnknown;
  };
  std::map<std::string, Attack> attacks;

  // Rows that are extracted in any of these ways.
  int64_t given_away() const {
    return extracted_after + extracted_otherwise + extracted_begun + extracted_sampled;
  }
  bool target_reached(const Targets& targets) const;  // preference, or the base's log-probability
  bool retain_ruined() const { return retain_after.ruined() && !retain_before.ruined(); }
  bool forget_ruined() const { return forget_after.ruined() && !forget_before.ruined(); }
  std::optional<bool> damage_ok(const Targets& targets) const;
  bool over_unlearned() const;
};

Findings find_all(const Evidence& evidence, const Targets& targets);

// The verdict's one sentence.
std::string verdict_sentence(const Findings& findings, const Targets& targets);
// What these measurements cannot say, one sentence each.
std::vector<std::string> open_questions(const Findings& findings, const Evidence& evidence);
// verdict.json without what Provenance holds.
Json findings_json(const Findings& findings, const Evidence& evidence, const Targets& targets);

}  // namespace unlearn::metrics::own_data
