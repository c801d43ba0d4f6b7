#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "metrics/own_data/text.h"
#include "unlearn/core/error.h"
#include "unlearn/core/rng.h"
#include "unlearn/metrics/own_data/preference.h"

namespace unlearn::metrics::own_data {
namespace {

// An answer as it is compared with others, and its length in characters.
struct Candidate {
  Alternative place;
  std::string key;
  int64_t length = 0;
};

// The first of those that read alike. Answers without letters and digits differ by their bytes.
std::vector<Candidate> distinct_answers(std::span<const std::string> answers, bool of_retain) {
  std::vector<Candidate> candidates;
  std::unordered_set<std::string> known;
  for (size_t i = 0; i < answers.size(); ++i) {
    std::string key = key_of(answers[i]);
    if (key.empty()) key = " " + answers[i];
    if (!known.insert(key).second) continue;
    candidates.push_back({{of_retain, static_cast<int64_t>(i)}, key, code_points(answers[i])});
  }
  return candidates;
}

std::vector<Alternative> of_forget_rows(const std::vector<Candidate>& forget,
                                        const std::string& own, int64_t row,
                                        const ComparisonOptions& options) {
  std::vector<Alternative> chosen;
  for (const Candidate& candidate : forget) {
    if (candidate.key != own) chosen.push_back(candidate.place);
  }
  if (static_cast<int64_t>(chosen.size()) <= options.most) return chosen;
  const auto order =
      permutation(static_cast<int64_t>(chosen.size()), options.seed, static_cast<uint64_t>(row));
  std::vector<Alternative> drawn;
  for (int64_t i = 0; i < options.most; ++i) {
    drawn.push_back(chosen[static_cast<size_t>(order[static_cast<size_t>(i)])]);
  }
  std::sort(drawn.begin(), drawn.end(),
            [](const Alternative& a, const Alternative& b) { return a.row < b.row; });
  return drawn;
}

}  // namespace

std::vector<std::vector<Alternative>> choose_alternatives(std::span<const std::string> forget,
                                                          std::span<const std::string> retain,
                                                          const ComparisonOptions& options) {
  UNLEARN_CHECK(options.most > 0, "most ", options.most);
  const std::vector<Candidate> others = distinct_answers(forget, false);
  const std::vector<Candidate> kept = distinct_answers(retain, true);
  std::unordered_set<std::string> forget_keys;
  for (const Candidate& candidate : others) forget_keys.insert(candidate.key);
  std::vector<std::vector<Alternative>> rows;
  for (size_t i = 0; i < forget.size(); ++i) {
    std::string own = key_of(forget[i]);
    if (own.empty()) own = " " + forget[i];
    auto& chosen = rows.emplace_back(of_forget_rows(others, own, static_cast<int64_t>(i), options));
    if (static_cast<int64_t>(chosen.size()) + 1 >= options.few_rows) continue;
    const int64_t length = code_points(forget[i]);
    std::vector<const Candidate*> near;
    for (const Candidate& candidate : kept) {
      if (!forget_keys.contains(candidate.key)) near.push_back(&candidate);
    }
    std::stable_sort(near.begin(), near.end(), [&](const Candidate* a, const Candidate* b) {
      return std::abs(a->length - length) < std::abs(b->length - length);
    });
    const auto missing = static_cast<size_t>(std::max<int64_t>(
        0, std::min(options.wanted, options.most) - static_cast<int64_t>(chosen.size())));
    near.resize(std::min(near.size(), missing));
    std::sort(near.begin(), near.end(),
              [](const Candidate* a, const Candidate* b) { return a->place.row < b->place.row; });
    for (const Candidate* candidate : near) chosen.push_back(candidate->place);
  }
  return rows;
}

}  // namespace unlearn::metrics::own_data
