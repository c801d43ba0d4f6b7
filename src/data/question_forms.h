// Forget questions in other words, to train on: what a model answers to a rewritten question is
// then forgotten as well, not only what it answers to the one that stands in the file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "unlearn/data/data_config.h"
#include "unlearn/data/rows.h"

namespace unlearn::data {

// `rows`, and behind them all rows with their questions in each of `count` (at most
// kMostQuestionForms) other forms. None of the forms is one of those that an evaluation asks
// (metrics/own_data/prompts.h): what it measures is not what was trained on.
std::vector<QaRow> with_question_forms(std::vector<QaRow> rows, int64_t count);

}  // namespace unlearn::data
