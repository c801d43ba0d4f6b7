// Other ways to ask for a row, made by rule: a model that only refuses the words it was trained on
// has not forgotten.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace unlearn::metrics::own_data {

struct Paraphrase {
  std::string rule;  // "lower_case", "no_punctuation", "polite", "polite_after", "clauses"
  std::string question;
};
// Those of the rules that change the question; English words, every script. The clause rule moves
// an opening phrase behind a comma to the end ("In 2020, who led it?" -> "Who led it, in 2020?")
// and the last of several sentences to the front.
std::vector<Paraphrase> paraphrases(std::string_view question);

// The first words of the answer, and what is left to say.
struct AnswerStart {
  int64_t words = 0;
  std::string given;
  std::string rest;
};
// For each of `counts` that leaves at least one word. Words are what white space separates.
std::vector<AnswerStart> answer_starts(std::string_view answer, std::span<const int64_t> counts);

}  // namespace unlearn::metrics::own_data
