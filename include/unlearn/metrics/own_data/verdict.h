// From measurements to a verdict: what of the forget rows is gone, what is not, what it cost, and
// what cannot be concluded.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/core/json.h"
#include "unlearn/metrics/own_data/damage.h"
#include "unlearn/metrics/own_data/membership.h"
#include "unlearn/metrics/own_data/pieces.h"
#include "unlearn/metrics/own_data/preference.h"

namespace unlearn::metrics::own_data {

// An output to another prompt than the row's question.
struct OtherOutput {
  std::string rule;    // of prompts.h, "user" for the user's own paraphrases, "start" for `given`
  std::string prompt;  // the question as asked
  std::string given;   // the first words of the answer, "" for none
  std::string output;
};

// What was measured of one forget row. Log-probabilities are means per label token.
struct RowEvidence {
  RowText text;
  double logprob_before = 0, logprob_after = 0;
  std::optional<double> logprob_base = {};  // under the model before it learnt the rows
  AnswerScores scores_before = {}, scores_after = {};
  std::string output_before, output_after;  // greedy
  std::vector<OtherOutput> others_before = {}, others_after = {};
  // As many for every row, or none.
  std::vector<std::string> samples_before = {}, samples_after = {};
};

struct Evidence {
  std::vector<RowEvidence> rows;
  std::vector<RowText> retain = {};
  std::vector<std::string> general = {};
  // Mean log-probabilities; empty where nothing was measured.
  BeforeAfter seen = {}, held_out = {}, neighbours = {}, general_text = {};
  std::vector<std::string> retain_outputs_before = {}, retain_outputs_after = {};
  std::map<std::string, AttackScores> attacks_before = {}, attacks_after = {};  // by attack
};

struct Targets {
  double auc = 0.55;            // preference to reach (without logprob_base)
  double base_tolerance = 0.1;  // nats per token above the base's mean that still count as reached
  double max_damage = 0.1;      // fall of the held-out rows, nats per token
  int64_t max_extracted = 0;    // rows that may still be extracted
  int64_t max_cross_leaks = 0;  // outputs that may show other rows' data
};

// What the page and the file say about where the numbers come from; stored as given.
struct Provenance {
  Json settings = Json::object();
  Json sha256 = Json::object();  // model, forget, retain, result
  std::string prompt_template = {};
  std::string date = {};
  std::string machine = {};
  std::string program = {};
};

struct Verdict {
  std::string sentence;
  bool reached = false;
  std::optional<bool> damage_ok = {};  // none: nothing was measured that could say
  bool over_unlearned = false;
  int64_t cross_leaks = 0;  // outputs to forget questions with other rows' data
  std::vector<std::string> not_concluded = {};
  Json json;  // of verdict.json

  // Exit 0; else 4.
  bool passed() const { return reached && damage_ok.value_or(false); }
};

// UserError without rows; a number that cannot be known is null, never a default.
Verdict judge(const Evidence& evidence, const Targets& targets, const Provenance& provenance);

}  // namespace unlearn::metrics::own_data
