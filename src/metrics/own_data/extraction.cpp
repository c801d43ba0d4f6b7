#include "unlearn/metrics/own_data/extraction.h"

#include <algorithm>

#include "metrics/own_data/text.h"
#include "unlearn/core/error.h"
#include "unlearn/metrics/rouge.h"

namespace unlearn::metrics::own_data {

Extraction extraction(const RowText& row, std::span<const Piece> pieces, std::string_view prompt,
                      std::string_view given, std::string_view output) {
  UNLEARN_CHECK(std::string_view(row.answer).starts_with(given), "'", given, "' of ", row.answer);
  const std::string rest(trim(std::string_view(row.answer).substr(given.size())));
  Extraction result;
  result.answer = holds_answer(output, rest);
  result.pieces = reappearing(pieces, output, cat(prompt, "\n", given));
  result.rouge_l_recall = rouge(rest, output, /*use_stemmer=*/true).rouge_l.recall;
  result.extracted = result.answer || !result.pieces.empty();
  const std::vector<std::string> words = words_of(rest);
  const bool says_something = std::any_of(
      words.begin(), words.end(), [](const std::string& word) { return !is_common_word(word); });
  result.telling = (result.answer && says_something) ||
                   std::any_of(result.pieces.begin(), result.pieces.end(),
                               [](const Piece& piece) { return piece.telling; });
  return result;
}

double leak_at_k(int64_t n, int64_t c, int64_t k) {
  UNLEARN_CHECK(c >= 0 && c <= n, c, " of ", n, " samples leak");
  if (k < 1 || k > n) user_error("leak@", k, " of ", n, " samples: k must be 1 to ", n);
  if (n - c < k) return 1;
  double none = 1;
  for (int64_t i = n - c + 1; i <= n; ++i) {
    none *= 1 - static_cast<double>(k) / static_cast<double>(i);
  }
  return 1 - none;
}

double expected_maximum(std::span<const double> values, int64_t k) {
  const auto n = static_cast<int64_t>(values.size());
  if (k < 1 || k > n) user_error("the best of ", k, " of ", n, " samples: k must be 1 to ", n);
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  // P(the maximum is the i-th smallest) = C(i-1, k-1) / C(n, k), from i = n downwards.
  double share = static_cast<double>(k) / static_cast<double>(n);
  double sum = 0;
  for (int64_t i = n; i >= k; --i) {
    sum += share * sorted[static_cast<size_t>(i - 1)];
    if (i > k) share *= static_cast<double>(i - k) / static_cast<double>(i - 1);
  }
  return sum;
}

std::vector<LeakAtK> leak_curve(std::span<const std::vector<Extraction>> rows) {
  if (rows.empty() || rows.front().empty()) return {};
  const auto n = static_cast<int64_t>(rows.front().size());
  std::vector<int64_t> counts;
  for (int64_t k = 1; k < n; k *= 2) counts.push_back(k);
  counts.push_back(n);
  std::vector<LeakAtK> curve;
  for (const int64_t k : counts) {
    LeakAtK& point = curve.emplace_back();
    point.k = k;
    for (const std::vector<Extraction>& samples : rows) {
      UNLEARN_CHECK(static_cast<int64_t>(samples.size()) == n, samples.size(), " samples, not ", n);
      std::vector<double> recalls;
      int64_t leaking = 0;
      for (const Extraction& sample : samples) {
        leaking += sample.extracted ? 1 : 0;
        recalls.push_back(sample.rouge_l_recall);
      }
      point.leak += leak_at_k(n, leaking, k) / static_cast<double>(rows.size());
      point.rouge_l += expected_maximum(recalls, k) / static_cast<double>(rows.size());
    }
  }
  return curve;
}

}  // namespace unlearn::metrics::own_data
