// What is measured of one model on own data. Two of them, before and after unlearning, make the
// evidence of a verdict.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/core/json.h"
#include "unlearn/metrics/own_data/verdict.h"

namespace unlearn::metrics::own_data {

// Of one forget row. Log-probabilities are means per label token.
struct MeasuredRow {
  RowText text;
  double logprob = 0;
  std::optional<double> logprob_base = {};  // under the model before it learnt the rows
  AnswerScores scores = {};                 // its own answer against others'
  std::string output = {};                  // greedy
  std::vector<OtherOutput> others = {};
  std::vector<std::string> samples = {};  // as many for every row
};

struct Measured {
  std::vector<MeasuredRow> rows;
  std::vector<RowText> retain = {};       // all of them, measured or not
  std::vector<std::string> general = {};  // the texts that `general_text` measures
  // Mean log-probabilities, in an order that is the same for every model.
  std::vector<double> seen = {}, held_out = {}, neighbours = {}, general_text = {};
  std::vector<std::string> retain_outputs = {};
  std::map<std::string, AttackScores> attacks = {};
};

// UserError where the two were not measured on the same rows.
Evidence evidence_of(const Measured& before, const Measured& after);

// Stored form; read back it gives the same numbers and texts. Values that are not finite are null
// and come back as NaN. UserError "<where>: …" for something else.
Json measured_json(const Measured& measured);
Measured measured_from_json(const Json& json, const std::string& where);

}  // namespace unlearn::metrics::own_data
