#include "unlearn/metrics/own_data/fluency.h"

#include <cmath>
#include <map>
#include <vector>

#include "metrics/own_data/text.h"
#include "unlearn/core/strings.h"

namespace unlearn::metrics::own_data {
namespace {

using Words = std::vector<std::string>;

struct Grams {
  std::map<Words, int64_t> counts;
  int64_t total = 0;

  double distinct() const {
    return static_cast<double>(counts.size()) / static_cast<double>(total);
  }
  double bits() const {
    double entropy = 0;
    for (const auto& [gram, count] : counts) {
      const double share = static_cast<double>(count) / static_cast<double>(total);
      entropy -= share * std::log2(share);
    }
    return entropy;
  }
};

Grams grams_of(const Words& words, int64_t n) {
  Grams grams;
  for (auto i = words.begin(); words.end() - i >= n; ++i) {
    ++grams.counts[Words(i, i + n)];
    ++grams.total;
  }
  return grams;
}

bool begins_like_refusal(const Words& words) {
  static const std::vector<std::string> kBegins = {"i do not know",
                                                   "i dont know",
                                                   "im sorry",
                                                   "i am sorry",
                                                   "sorry",
                                                   "i cannot",
                                                   "i can not",
                                                   "i cant",
                                                   "i am not able",
                                                   "im not able",
                                                   "i am unable",
                                                   "im unable",
                                                   "i have no",
                                                   "i do not have",
                                                   "i dont have",
                                                   "i am not sure",
                                                   "im not sure",
                                                   "i am not aware",
                                                   "im not aware",
                                                   "unfortunately",
                                                   "as an ai",
                                                   "i am not familiar",
                                                   "im not familiar",
                                                   "that information",
                                                   "this information",
                                                   "there is no information",
                                                   "no information"};
  const std::string text = join(words, " ") + " ";
  for (const std::string& begin : kBegins) {
    if (text.starts_with(begin + " ")) return true;
  }
  return false;
}

struct MeanOfKnown {
  double sum = 0;
  int64_t count = 0;
  void add(const std::optional<double>& value) {
    if (!value) return;
    sum += *value;
    ++count;
  }
  double value() const { return count == 0 ? 0 : sum / static_cast<double>(count); }
};

}  // namespace

bool TextFluency::broken() const {
  constexpr int64_t kEnough = 8;
  if (empty()) return true;
  return words >= kEnough && (*repeated4 >= 0.5 || *distinct1 <= 0.2);
}

TextFluency text_fluency(std::string_view text) {
  const Words words = words_of(text);
  TextFluency result;
  result.words = static_cast<int64_t>(words.size());
  const Grams one = grams_of(words, 1), two = grams_of(words, 2), three = grams_of(words, 3),
              four = grams_of(words, 4);
  if (one.total > 0) result.distinct1 = one.distinct();
  if (two.total > 0) result.distinct2 = two.distinct();
  if (four.total > 0) result.repeated4 = 1 - four.distinct();
  result.entropy = (2.0 / 3 * two.bits() + 4.0 / 3 * three.bits()) / 2;
  return result;
}

bool Fluency::ruined() const {
  return outputs > 0 && (4 * broken >= outputs || (alike >= 4 && 2 * alike > outputs));
}

Fluency fluency(std::span<const std::string> outputs) {
  Fluency result;
  MeanOfKnown distinct, repeated, entropy;
  std::map<Words, int64_t> same;
  for (const std::string& output : outputs) {
    const TextFluency text = text_fluency(output);
    const Words words = words_of(output);
    ++result.outputs;
    result.empty += text.empty() ? 1 : 0;
    result.broken += text.broken() ? 1 : 0;
    result.refusals += begins_like_refusal(words) ? 1 : 0;
    result.alike = std::max(result.alike, ++same[words]);
    distinct.add(text.distinct2);
    repeated.add(text.repeated4);
    if (!text.empty()) entropy.add(text.entropy);
  }
  result.distinct2 = distinct.value();
  result.repeated4 = repeated.value();
  result.entropy = entropy.value();
  return result;
}

}  // namespace unlearn::metrics::own_data
