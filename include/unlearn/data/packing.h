// Packed batches: sequences of all roles laid end to end, without padding.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "unlearn/data/example.h"

namespace unlearn::data {

// One sequence's place in a batch. The model runs on example.tokens without the last one (`length`
// = tokens.size() - 1), or on all of them where a loss reads the last token's own output.
struct Segment {
  int64_t offset = 0;  // first token in the pack
  int64_t length = 0;  // input tokens
  Role role = Role::kForget;
  const Example* example = nullptr;
  int64_t label_offset = 0;  // first row in label_rows/targets
  int64_t num_labels = 0;
  int64_t index = 0;  // PackItem::index

  ExampleKey key() const { return {role, index}; }
};

struct PackedBatch {
  torch::Tensor ids;              // [T] int64
  torch::Tensor positions;        // [T] int64, restart at 0 in every sequence
  torch::Tensor label_rows;       // [N] int64: positions in the pack whose output predicts a label
  torch::Tensor targets;          // [N] int64: the label each of those positions predicts
  std::vector<int64_t> offsets;   // [S + 1] sequence boundaries in tokens
  std::vector<uint8_t> seen;      // [T] 0: hidden (Example::seen); empty where all are seen
  std::vector<Segment> segments;  // [S], in pack order

  int64_t num_tokens() const { return offsets.empty() ? 0 : offsets.back(); }
};

struct PackItem {
  Role role;
  const Example* example;  // must outlive the batch
  int64_t index = 0;       // its place among the run's examples of this role (ExampleKey)
};

// Lays the items end to end in the given order. Every example has at least two tokens.
PackedBatch pack(const std::vector<PackItem>& items, bool with_last_token = false);

// Cuts items, in their order, into groups of at most `budget` input tokens (a single longer item is
// a group of its own). Returns the begin of each group and the end of the last: [G + 1].
std::vector<size_t> cut_by_tokens(const std::vector<PackItem>& items, int64_t budget);

}  // namespace unlearn::data
