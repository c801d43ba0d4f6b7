// ROUGE-1 and ROUGE-L with the semantics of rouge-score 0.1.2 (rouge_score/rouge_scorer.py).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace unlearn::metrics {

// All in [0, 1]; all 0 when either text has no token.
struct RougeScore {
  double precision = 0;
  double recall = 0;
  double f1 = 0;
};

struct RougeScores {
  RougeScore rouge1;   // clipped unigram overlap
  RougeScore rouge_l;  // longest common subsequence
};

// Lower-cased runs of [a-z0-9]; everything else separates. `text` is UTF-8 (bytes that are not are
// separators). With `use_stemmer`, tokens longer than three characters are stemmed.
std::vector<std::string> rouge_tokens(std::string_view text, bool use_stemmer);

// TOFU and OpenUnlearning stem, MUSE does not.
RougeScores rouge(std::string_view reference, std::string_view hypothesis, bool use_stemmer);
RougeScores rouge_of_tokens(const std::vector<std::string>& reference,
                            const std::vector<std::string>& hypothesis);

}  // namespace unlearn::metrics
