// What the records say about the paper's claims.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "unlearn/core/json.h"

namespace unlearn::markov {

// Where a series first reaches `level`, as a fractional index (linear between points); nothing when
// it never does.
std::optional<double> first_reach(const std::vector<double>& series, double level);
// The series at a fractional index.
double value_at(const std::vector<double>& series, double index);

// For one run of one method: "retain_at_target" (retain distance when Forget2 first reaches the
// retrained model's value) and, for each retain distance 0.1 and 0.2, Forget1, Forget2 and their
// difference there. Null where the path never gets there.
Json path_criteria(const Json& path, const Json& retrained);

// UserError "<where>: …" unless `record` is whole: the curves of every path, as Laboratory::run
// writes them.
void check_record(const Json& record, const std::string& where);

// Mean, standard deviation and number of runs of every criterion: {experiment: {"retrained": {…},
// method: {criterion: {"mean", "sd", "runs", "missing"}}}}.
Json summarize(const std::vector<Json>& records);

// The summary as a table of text lines, for people.
std::string summary_text(const Json& summary);

}  // namespace unlearn::markov
