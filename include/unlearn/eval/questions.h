// Questions with answers as a benchmark poses them, one by one: what an audit asks in other words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "unlearn/data/dataset.h"
#include "unlearn/eval/plan.h"

namespace unlearn::eval {

struct AskedRow {
  int64_t row = 0;  // of the benchmark's file
  std::string question;
  std::string answer;
  std::string paraphrase = {};  // the question in other words; "" where the data have none
  std::vector<std::string> false_answers = {};
};

struct Questions {
  data::Template prompt_template;
  std::vector<AskedRow> forget = {};
  std::vector<AskedRow> retain = {};  // may be empty
  int64_t max_length = 0;             // tokens of a scored question with its answer; 0: no limit
  GenerationLimits limits = {};
};

}  // namespace unlearn::eval
