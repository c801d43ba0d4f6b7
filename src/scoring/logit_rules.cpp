#include "scoring/logit_rules.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>

#include "unlearn/core/error.h"
#include "unlearn/runtime/device.h"

namespace unlearn::scoring {
namespace {

using runtime::upload;
using torch::Tensor;

constexpr double kNever = -std::numeric_limits<double>::infinity();

int64_t length_of(const RowText& row) { return static_cast<int64_t>(row.text.size()); }

bool ends_with(std::span<const int32_t> text, std::span<const int32_t> ending) {
  return text.size() >= ending.size() &&
         std::equal(ending.begin(), ending.end(), text.end() - static_cast<int64_t>(ending.size()));
}

// Places of logits [R, V], gathered over rows.
class Places {
 public:
  explicit Places(const Tensor& z) : z_(z), width_(z.size(1)) {}

  void add(size_t row, int64_t id) { places_.push_back(static_cast<int64_t>(row) * width_ + id); }
  void add(size_t row, std::span<const int32_t> ids) {
    for (const int32_t id : ids) add(row, id);
  }
  void fill(double value) const {
    if (!places_.empty()) z_.view({-1}).index_fill_(0, on_device(), value);
  }
  // Places that are there twice must get the same value both times.
  void change(const std::function<Tensor(const Tensor&)>& change) const {
    if (places_.empty()) return;
    const Tensor at = on_device();
    Tensor flat = z_.view({-1});
    flat.index_copy_(0, at, change(flat.index_select(0, at)));
  }

 private:
  Tensor on_device() const { return upload(places_, z_.device()); }

  const Tensor& z_;
  int64_t width_;
  std::vector<int64_t> places_;
};

// Tokens that would make a second one of an n-gram of the text.
std::vector<int32_t> ends_of_ngrams(std::span<const int32_t> text, size_t size) {
  std::vector<int32_t> ends;
  if (text.size() + 1 < size) return ends;
  const auto begun = text.last(size - 1);
  for (size_t i = 0; i + size <= text.size(); ++i) {
    if (std::equal(begun.begin(), begun.end(), text.begin() + static_cast<int64_t>(i))) {
      ends.push_back(text[i + size - 1]);
    }
  }
  return ends;
}

}  // namespace

LogitRules::LogitRules(const DecodingRules& rules, const std::vector<int32_t>& stop_ids)
    : rules_(rules), stop_ids_(stop_ids) {
  for (const SequenceBias& word : rules.bad_words) {
    const bool is_stop = word.ids.size() == 1 && std::find(stop_ids.begin(), stop_ids.end(),
                                                           word.ids.front()) != stop_ids.end();
    if (!is_stop) bad_words_.push_back(word);
  }
}

void LogitRules::apply(const Tensor& z, const std::vector<RowText>& rows) const {
  UNLEARN_CHECK(z.dim() == 2 && z.is_contiguous() &&
                z.size(0) == static_cast<int64_t>(rows.size()));
  add_biases(z, rows, rules_.biases);
  penalise_repetition(z, rows);
  add_biases(z, rows, bad_words_);
  forbid(z, rows);
  force(z, rows);
  penalise_length(z, rows);
  suppress(z, rows);
}

void LogitRules::add_biases(const Tensor& z, const std::vector<RowText>& rows,
                            const std::vector<SequenceBias>& biases) const {
  if (biases.empty()) return;
  std::vector<int64_t> places;
  std::vector<float> values;
  for (size_t r = 0; r < rows.size(); ++r) {
    const std::span<const int32_t> text = rows[r].text;
    std::map<int32_t, float> sums;
    for (const bool single : {true, false}) {
      for (const SequenceBias& item : biases) {
        const std::span<const int32_t> ids = item.ids;
        if ((ids.size() == 1) != single) continue;
        // A sequence as long as the text and its next token is not looked at: transformers' rule.
        const bool applies =
            single || (ids.size() <= text.size() && ends_with(text, ids.first(ids.size() - 1)));
        if (applies) sums[ids.back()] += static_cast<float>(item.bias);
      }
    }
    for (const auto& [id, bias] : sums) {
      places.push_back(static_cast<int64_t>(r) * z.size(1) + id);
      values.push_back(bias);
    }
  }
  if (places.empty()) return;
  const Tensor at = upload(places, z.device());
  z.view({-1}).index_add_(0, at, torch::tensor(values).to(z.options()));
}

void LogitRules::penalise_repetition(const Tensor& z, const std::vector<RowText>& rows) const {
  const double penalty = rules_.repetition_penalty;
  if (penalty == 1) return;
  Places places(z);
  for (size_t r = 0; r < rows.size(); ++r) places.add(r, rows[r].text);
  places.change([&](const Tensor& logits) {
    return torch::where(logits < 0, logits * penalty, logits / penalty);
  });
}

void LogitRules::forbid(const Tensor& z, const std::vector<RowText>& rows) const {
  Places places(z);
  for (size_t r = 0; r < rows.size(); ++r) {
    if (rules_.no_repeat_ngram_size > 0) {
      places.add(r, ends_of_ngrams(rows[r].text, static_cast<size_t>(rules_.no_repeat_ngram_size)));
    }
    const int64_t shortest =
        rules_.min_new_tokens > 0 ? rows[r].prompt + rules_.min_new_tokens : rules_.min_length;
    if (length_of(rows[r]) < shortest) places.add(r, stop_ids_);
  }
  places.fill(kNever);
}

void LogitRules::force(const Tensor& z, const std::vector<RowText>& rows) const {
  const auto only = [&](size_t r, std::span<const int32_t> ids) {
    z[static_cast<int64_t>(r)].fill_(kNever);
    Places place(z);
    place.add(r, ids);
    place.fill(0);
  };
  for (size_t r = 0; r < rows.size(); ++r) {
    const int64_t length = length_of(rows[r]);
    if (rules_.forced_bos && length == 1) only(r, std::span(&*rules_.forced_bos, 1));
    if (!rules_.forced_eos.empty() && length == rows[r].max_length - 1) only(r, rules_.forced_eos);
  }
}

void LogitRules::penalise_length(const Tensor& z, const std::vector<RowText>& rows) const {
  if (!rules_.length_decay) return;
  for (size_t r = 0; r < rows.size(); ++r) {
    const int64_t over = length_of(rows[r]) - rows[r].prompt - rules_.length_decay->start;
    if (over <= 0) continue;
    const double growth = std::pow(rules_.length_decay->factor, static_cast<double>(over)) - 1;
    Places places(z);
    places.add(r, stop_ids_);
    places.change([&](const Tensor& logits) { return logits + logits.abs() * growth; });
  }
}

void LogitRules::suppress(const Tensor& z, const std::vector<RowText>& rows) const {
  Places places(z);
  for (size_t r = 0; r < rows.size(); ++r) {
    places.add(r, rules_.suppressed);
    // A forced BOS comes before what counts as the beginning.
    const int64_t forced = rules_.forced_bos && rows[r].prompt == 1 ? 1 : 0;
    if (length_of(rows[r]) == rows[r].prompt + forced) places.add(r, rules_.begin_suppressed);
  }
  places.fill(kNever);
}

}  // namespace unlearn::scoring
