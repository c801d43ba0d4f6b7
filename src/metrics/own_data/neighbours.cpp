#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

#include "metrics/own_data/text.h"
#include "unlearn/core/error.h"
#include "unlearn/metrics/own_data/damage.h"

namespace unlearn::metrics::own_data {
namespace {

// Word number -> weight; of length one.
using WordVector = std::map<int64_t, double>;

class TfIdf {
 public:
  int64_t add(const RowText& row) {
    WordVector counts;
    for (const std::string& word : words_of(row.question + " " + row.answer)) {
      ++counts[numbers_.emplace(word, static_cast<int64_t>(numbers_.size())).first->second];
    }
    documents_.resize(numbers_.size(), 0);
    for (const auto& [word, count] : counts) ++documents_[static_cast<size_t>(word)];
    vectors_.push_back(std::move(counts));
    return static_cast<int64_t>(vectors_.size()) - 1;
  }

  // After the last row.
  void weigh() {
    const double rows = static_cast<double>(vectors_.size());
    for (WordVector& vector : vectors_) {
      double squares = 0;
      for (auto& [word, weight] : vector) {
        const auto with = static_cast<double>(documents_[static_cast<size_t>(word)]);
        weight *= std::log((1 + rows) / (1 + with)) + 1;
        squares += weight * weight;
      }
      for (auto& [word, weight] : vector) weight /= std::sqrt(squares);
    }
  }

  const WordVector& of(size_t row) const { return vectors_[row]; }
  size_t words() const { return numbers_.size(); }

 private:
  std::unordered_map<std::string, int64_t> numbers_;
  std::vector<int64_t> documents_;
  std::vector<WordVector> vectors_;
};

bool nearer(const Neighbour& a, const Neighbour& b) {
  return a.similarity != b.similarity ? a.similarity > b.similarity : a.row < b.row;
}

}  // namespace

std::vector<Neighbour> neighbours(std::span<const RowText> forget, std::span<const RowText> retain,
                                  int64_t per_row) {
  UNLEARN_CHECK(per_row > 0, "per_row ", per_row);
  TfIdf weights;
  for (const RowText& row : forget) weights.add(row);
  for (const RowText& row : retain) weights.add(row);
  weights.weigh();
  std::vector<std::vector<std::pair<int64_t, double>>> rows_of_word(weights.words());
  for (size_t i = 0; i < retain.size(); ++i) {
    for (const auto& [word, weight] : weights.of(forget.size() + i)) {
      rows_of_word[static_cast<size_t>(word)].emplace_back(static_cast<int64_t>(i), weight);
    }
  }
  std::map<int64_t, double> chosen;
  for (size_t i = 0; i < forget.size(); ++i) {
    std::map<int64_t, double> products;
    for (const auto& [word, weight] : weights.of(i)) {
      for (const auto& [row, other] : rows_of_word[static_cast<size_t>(word)]) {
        products[row] += weight * other;
      }
    }
    std::vector<Neighbour> near;
    for (const auto& [row, similarity] : products) near.push_back({row, similarity});
    std::sort(near.begin(), near.end(), nearer);
    near.resize(std::min(near.size(), static_cast<size_t>(per_row)));
    for (const Neighbour& each : near) {
      double& nearest = chosen[each.row];
      nearest = std::max(nearest, each.similarity);
    }
  }
  std::vector<Neighbour> result;
  for (const auto& [row, similarity] : chosen) result.push_back({row, similarity});
  std::sort(result.begin(), result.end(), nearer);
  return result;
}

}  // namespace unlearn::metrics::own_data
