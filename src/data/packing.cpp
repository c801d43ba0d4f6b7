#include "unlearn/data/packing.h"

#include <algorithm>

#include "unlearn/core/error.h"

namespace unlearn::data {

namespace {

// Which of the pack's tokens are seen; empty: all of them.
std::vector<uint8_t> seen_tokens(const PackedBatch& batch) {
  std::vector<uint8_t> seen;
  for (const Segment& segment : batch.segments) {
    const std::vector<uint8_t>& own = segment.example->seen;
    if (own.empty()) continue;
    const auto begin = own.begin(), end = begin + segment.length;
    if (std::find(begin, end, uint8_t{0}) == end) continue;
    seen.resize(static_cast<size_t>(batch.num_tokens()), 1);
    std::copy(begin, end, seen.begin() + segment.offset);
  }
  return seen;
}

}  // namespace

PackedBatch pack(const std::vector<PackItem>& items, bool with_last_token) {
  PackedBatch batch;
  batch.offsets.push_back(0);
  int64_t num_labels = 0;
  for (const PackItem& item : items) {
    const Example& example = *item.example;
    UNLEARN_CHECK(example.tokens.size() >= 2 && example.tokens.size() == example.labels.size(),
                  example.id);
    UNLEARN_CHECK(example.seen.empty() || example.seen.size() == example.tokens.size(), example.id);
    const auto length = static_cast<int64_t>(example.tokens.size()) - (with_last_token ? 0 : 1);
    batch.segments.push_back({batch.num_tokens(), length, item.role, &example, num_labels,
                              example.num_labels, item.index});
    batch.offsets.push_back(batch.num_tokens() + length);
    num_labels += example.num_labels;
  }
  batch.seen = seen_tokens(batch);
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
