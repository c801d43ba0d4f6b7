#include "unlearn/data/packing.h"

#include <algorithm>

#include "unlearn/core/error.h"

namespace unlearn::data {

namespace {

void pad(Example& example, const PadRule& rule) {
  const auto before = static_cast<int64_t>(example.tokens.size());
  const int64_t added = std::max<int64_t>(0, rule.length - before);
  const bool ends_padded = !rule.labelled && example.tokens.back() == rule.token;
  example.num_pads = added + (ends_padded ? 1 : 0);
  example.num_added = added;
  example.tokens.insert(example.tokens.end(), static_cast<size_t>(added), rule.token);
  example.labels.resize(example.tokens.size(), rule.labelled ? rule.token : kIgnored);
  if (rule.labelled) example.num_labels += added;
}

}  // namespace

void pad_examples(std::vector<Example>& examples, const PadRule& rule) {
  for (Example& example : examples) pad(example, rule);
}

PackedBatch pack(const std::vector<PackItem>& items, bool with_last_token) {
  PackedBatch batch;
  batch.offsets.push_back(0);
  int64_t num_labels = 0;
  bool has_pads = false;
  for (const PackItem& item : items) {
    const Example& example = *item.example;
    UNLEARN_CHECK(example.tokens.size() >= 2 && example.tokens.size() == example.labels.size(),
                  example.id);
    const auto length = static_cast<int64_t>(example.tokens.size()) - (with_last_token ? 0 : 1);
    batch.segments.push_back({batch.num_tokens(), length, item.role, &example, num_labels,
                              example.num_labels, item.index});
    batch.offsets.push_back(batch.num_tokens() + length);
    const auto unpadded = static_cast<int64_t>(example.tokens.size()) - example.num_pads;
    batch.attended.push_back(std::min(length, unpadded));
    has_pads = has_pads || example.num_pads > 0;
    num_labels += example.num_labels;
  }
  if (!has_pads) batch.attended.clear();
  batch.ids = torch::empty({batch.num_tokens()}, torch::kLong);
  batch.positions = torch::empty({batch.num_tokens()}, torch::kLong);
  batch.label_rows = torch::empty({num_labels}, torch::kLong);
  batch.targets = torch::empty({num_labels}, torch::kLong);
  auto* ids = batch.ids.data_ptr<int64_t>();
  auto* positions = batch.positions.data_ptr<int64_t>();
  auto* rows = batch.label_rows.data_ptr<int64_t>();
  auto* targets = batch.targets.data_ptr<int64_t>();
  for (const Segment& segment : batch.segments) {
    const Example& example = *segment.example;
    int64_t label = segment.label_offset;
    for (int64_t t = 0; t < segment.length; ++t) {
      const auto index = static_cast<size_t>(t);
      ids[segment.offset + t] = example.tokens[index];
      positions[segment.offset + t] = t;
      const bool is_last = index + 1 == example.labels.size();
      if (is_last || example.labels[index + 1] == kIgnored) continue;
      rows[label] = segment.offset + t;
      targets[label++] = example.labels[index + 1];
    }
    UNLEARN_CHECK(label == segment.label_offset + segment.num_labels, example.id);
  }
  return batch;
}

std::vector<size_t> cut_by_tokens(const std::vector<PackItem>& items, int64_t budget) {
  std::vector<size_t> cuts = {0};
  int64_t tokens = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    const auto length = static_cast<int64_t>(items[i].example->tokens.size()) - 1;
    if (i > cuts.back() && tokens + length > budget) {
      cuts.push_back(i);
      tokens = 0;
    }
    tokens += length;
  }
  if (!items.empty()) cuts.push_back(items.size());
  return cuts;
}

}  // namespace unlearn::data
