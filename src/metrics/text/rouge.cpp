#include "unlearn/metrics/rouge.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "metrics/text/lcs.h"
#include "unlearn/metrics/stemmer.h"

namespace unlearn::metrics {
namespace {

RougeScore score(double overlap, size_t reference_size, size_t hypothesis_size) {
  RougeScore result;
  result.precision = overlap / static_cast<double>(std::max<size_t>(hypothesis_size, 1));
  result.recall = overlap / static_cast<double>(std::max<size_t>(reference_size, 1));
  const double sum = result.precision + result.recall;
  if (sum > 0) result.f1 = 2 * result.precision * result.recall / sum;
  return result;
}

}  // namespace

std::vector<std::string> rouge_tokens(std::string_view text, bool use_stemmer) {
  std::vector<std::string> tokens;
  std::string token;
  const auto finish = [&] {
    if (token.empty()) return;
    tokens.push_back(use_stemmer && token.size() > 3 ? porter_stem(token) : token);
    token.clear();
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      token += c;
    } else if (c >= 'A' && c <= 'Z') {
      token += static_cast<char>(c - 'A' + 'a');
    } else if (text.substr(i, 3) == "\xE2\x84\xAA") {  // U+212A, Kelvin: lower case is k
      token += 'k';
      i += 2;
    } else if (text.substr(i, 2) == "\xC4\xB0") {  // U+0130: lower case is i and U+0307
      token += 'i';
      finish();
      ++i;
    } else {
      finish();
    }
  }
  finish();
  return tokens;
}

RougeScores rouge_of_tokens(const std::vector<std::string>& reference,
                            const std::vector<std::string>& hypothesis) {
  if (reference.empty() || hypothesis.empty()) return {};
  std::unordered_map<std::string_view, int32_t> ids;
  std::vector<int32_t> left, right;  // ids over the reference's words; one more for all others
  left.reserve(reference.size());
  for (const std::string& word : reference) {
    left.push_back(ids.emplace(word, static_cast<int32_t>(ids.size())).first->second);
  }
  const int32_t other = static_cast<int32_t>(ids.size());
  std::vector<int64_t> budget(static_cast<size_t>(other) + 1, 0);
  for (const int32_t id : left) ++budget[static_cast<size_t>(id)];
  right.reserve(hypothesis.size());
  int64_t overlap = 0;
  for (const std::string& word : hypothesis) {
    const auto found = ids.find(word);
    right.push_back(found == ids.end() ? other : found->second);
    if (budget[static_cast<size_t>(right.back())]-- > 0) ++overlap;
  }
  const int64_t common = lcs_length(left, right, other + 1);
  return {score(static_cast<double>(overlap), left.size(), right.size()),
          score(static_cast<double>(common), left.size(), right.size())};
}

RougeScores rouge(std::string_view reference, std::string_view hypothesis, bool use_stemmer) {
  return rouge_of_tokens(rouge_tokens(reference, use_stemmer),
                         rouge_tokens(hypothesis, use_stemmer));
}

}  // namespace unlearn::metrics
