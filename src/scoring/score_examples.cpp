#include "unlearn/scoring/score_examples.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <unordered_map>

#include "unlearn/core/error.h"
#include "unlearn/data/shared_pack.h"
#include "unlearn/runtime/device.h"
#include "unlearn/scoring/score_batch.h"

namespace unlearn::scoring {
namespace {

using torch::Tensor;

// Labels of some sequences of a pack, and the rows of hidden states that predict them, each once.
struct PackLabels {
  std::vector<int64_t> hidden_rows;  // [R] tokens of the pack
  std::vector<int64_t> targets;      // [N]
  std::vector<int64_t> rows;         // [N] indices into hidden_rows
  std::vector<size_t> sequences;     // whose labels these are
  std::vector<int64_t> offsets = {0};
};

class LabelCollector {
 public:
  explicit LabelCollector(const data::SharedPack& pack) {
    if (pack.places.defined()) {
      places_ = {pack.places.const_data_ptr<int64_t>(), static_cast<size_t>(pack.places.numel())};
    }
  }

  // `begin`: the sequence's first place.
  void add(size_t sequence, int64_t begin, const data::Example& example) {
    for (size_t t = 1; t < example.labels.size(); ++t) {
      if (example.labels[t] == data::kIgnored) continue;
      const auto place = static_cast<size_t>(begin) + t - 1;
      const int64_t token = places_.empty() ? static_cast<int64_t>(place) : places_[place];
      const auto [known, is_new] =
          row_of_.try_emplace(token, static_cast<int64_t>(labels_.hidden_rows.size()));
      if (is_new) labels_.hidden_rows.push_back(token);
      labels_.rows.push_back(known->second);
      labels_.targets.push_back(example.labels[t]);
    }
    const auto end = static_cast<int64_t>(labels_.targets.size());
    UNLEARN_CHECK(end - labels_.offsets.back() == example.num_labels, example.id);
    labels_.sequences.push_back(sequence);
    labels_.offsets.push_back(end);
  }

  const PackLabels& labels() const { return labels_; }

 private:
  PackLabels labels_;
  std::span<const int64_t> places_;  // empty: a place is a token
  std::unordered_map<int64_t, int64_t> row_of_;
};

std::vector<double> to_doubles(const Tensor& values, int64_t begin, int64_t count) {
  const Tensor part = values.narrow(0, begin, count).to(torch::kCPU, torch::kDouble).contiguous();
  return {part.data_ptr<double>(), part.data_ptr<double>() + count};
}

// `order` maps the pack's sequences to results.
void store_scores(const PackLabels& labels, const RowStatistics& statistics, bool moments,
                  std::span<const size_t> order, std::vector<ExampleScore>& results) {
  const Tensor matches = statistics.argmax_matches.to(torch::kCPU, torch::kByte).contiguous();
  for (size_t i = 0; i < labels.sequences.size(); ++i) {
    ExampleScore& score = results[order[labels.sequences[i]]];
    const int64_t begin = labels.offsets[i];
    const int64_t count = labels.offsets[i + 1] - begin;
    score.logp = to_doubles(statistics.logp, begin, count);
    const auto* bytes = matches.const_data_ptr<uint8_t>() + begin;
    score.argmax_matches.assign(bytes, bytes + count);
    if (!moments) continue;
    score.mean_logp = to_doubles(statistics.mean_logp, begin, count);
    score.variance_logp = to_doubles(statistics.variance_logp, begin, count);
  }
}

// What the model reads of an example: all tokens but the last.
std::vector<data::TokenSpan> input_tokens(const std::vector<const data::Example*>& examples) {
  std::vector<data::TokenSpan> inputs;
  for (const data::Example* example : examples) {
    UNLEARN_CHECK(example->tokens.size() >= 2 && example->tokens.size() == example->labels.size(),
                  example->id);
    inputs.emplace_back(example->tokens.data(), example->tokens.size() - 1);
  }
  return inputs;
}

// Examples in the order in which they share most, and what becomes of them.
class Scorer {
 public:
  Scorer(model::CausalLM& model, const std::vector<const data::Example*>& examples,
         const ScoreExamplesOptions& options)
      : model_(model),
        examples_(examples),
        options_(options),
        head_(model.head()),
        device_(head_.weight.device()) {
    const std::vector<data::TokenSpan> inputs = input_tokens(examples);
    size_t longest = 0;
    for (const data::TokenSpan input : inputs) longest = std::max(longest, input.size());
    // The sequences that name a token would have to agree on whether it is seen.
    has_hidden_ = std::any_of(examples.begin(), examples.end(),
                              [](const data::Example* example) { return !example->seen.empty(); });
    share_ = options.share_beginnings && !has_hidden_ &&
             model.can_share_tokens(static_cast<int64_t>(longest) + 1);
    order_ = data::order_by_beginning(inputs);
    for (const size_t index : order_) inputs_.push_back(inputs[index]);
  }

  std::vector<ExampleScore> run() {
    results_.resize(examples_.size());
    const auto cuts = data::cut_by_pack(inputs_, options_.batch_tokens, share_);
    for (size_t c = 0; c + 1 < cuts.size(); ++c) {
      run_pack(cuts[c], cuts[c + 1] - cuts[c]);
      if (options_.progress) {
        options_.progress(static_cast<int64_t>(cuts[c + 1]),
                          static_cast<int64_t>(examples_.size()));
      }
    }
    return std::move(results_);
  }

 private:
  void run_pack(size_t begin, size_t count) {
    const data::SharedPack pack =
        data::pack_shared(std::span(inputs_).subspan(begin, count), share_);
    const std::span<const size_t> order = std::span(order_).subspan(begin, count);
    model::PackedIds ids = packed_ids(pack, device_);
    // With the last token, which is not run but which transformers' models read too.
    for (size_t i = 0; i < count; ++i) {
      ids.lengths.push_back(pack.offsets[i + 1] - pack.offsets[i] + 1);
    }
    if (has_hidden_) ids.seen = seen_tokens(order);
    const Tensor hidden = model_.hidden_states(ids);
    for (const bool moments : {false, true}) {
      LabelCollector collector(pack);
      for (size_t i = 0; i < count; ++i) {
        if (has_moments(order[i]) != moments) continue;
        collector.add(i, pack.offsets[i], *examples_[order[i]]);
      }
      const PackLabels& labels = collector.labels();
      if (labels.sequences.empty()) continue;
      const RowStatistics statistics =
          row_statistics(hidden.index_select(0, on_device(labels.hidden_rows)), head_,
                         {on_device(labels.targets), on_device(labels.rows)}, moments,
                         options_.logits.value_or(LogitsOptions::of(device_)));
      store_scores(labels, statistics, moments, order, results_);
    }
  }

  // Of a pack in which nothing is shared.
  std::vector<uint8_t> seen_tokens(std::span<const size_t> order) const {
    std::vector<uint8_t> seen;
    for (const size_t index : order) {
      const data::Example& example = *examples_[index];
      const auto inputs = static_cast<int64_t>(example.tokens.size()) - 1;
      if (example.seen.empty()) {
        seen.insert(seen.end(), static_cast<size_t>(inputs), uint8_t{1});
      } else {
        seen.insert(seen.end(), example.seen.begin(), example.seen.begin() + inputs);
      }
    }
    if (std::find(seen.begin(), seen.end(), uint8_t{0}) == seen.end()) seen.clear();
    return seen;
  }

  bool has_moments(size_t index) const {
    return options_.moments ||
           (!options_.with_moments.empty() && options_.with_moments[index] != 0);
  }

  Tensor on_device(const std::vector<int64_t>& values) const {
    return runtime::upload(values, device_);
  }

  model::CausalLM& model_;
  const std::vector<const data::Example*>& examples_;
  const ScoreExamplesOptions& options_;
  const model::Head head_;
  const torch::Device device_;
  bool has_hidden_ = false;
  bool share_ = false;
  std::vector<size_t> order_;            // indices of examples
  std::vector<data::TokenSpan> inputs_;  // in that order
  std::vector<ExampleScore> results_;    // like the examples
};

}  // namespace

double ExampleScore::sum() const { return std::accumulate(logp.begin(), logp.end(), 0.0); }

double ExampleScore::mean() const {
  return logp.empty() ? 0.0 : sum() / static_cast<double>(logp.size());
}

std::vector<ExampleScore> score_examples(model::CausalLM& model,
                                         const std::vector<const data::Example*>& examples,
                                         const ScoreExamplesOptions& options) {
  torch::NoGradGuard no_grad;
  UNLEARN_CHECK(options.with_moments.empty() || options.with_moments.size() == examples.size());
  return Scorer(model, examples, options).run();
}

}  // namespace unlearn::scoring
