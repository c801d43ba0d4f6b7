// Sequences that begin alike, packed so that what they share is there once: the answers of one
// question with their prompt, multiple-choice questions with their heading.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <span>
#include <vector>

namespace unlearn::data {

using TokenSpan = std::span<const int32_t>;

struct SharedPack {
  torch::Tensor ids;        // [T] int64, every distinct beginning's last token once
  torch::Tensor positions;  // [T] int64, position inside its sequences
  // Where each sequence's tokens lie in `ids`, sequence after sequence, and where each token of
  // `ids` is first named there; both undefined when nothing is shared: then T = E.
  torch::Tensor places;          // [E] int64
  torch::Tensor first;           // [T] int64, indices into places
  std::vector<int64_t> offsets;  // [S + 1] the sequences' boundaries in `places`

  int64_t num_tokens() const { return ids.size(0); }
};

// An order in which sequences that begin alike are neighbours (that of dictionaries).
std::vector<size_t> order_by_beginning(const std::vector<TokenSpan>& sequences);

// Cuts sequences, in their order, into groups whose packs hold at most `budget` tokens and name at
// most 4 x budget (a single longer sequence is a group of its own). Returns the begin of each group
// and the end of the last: [G + 1].
std::vector<size_t> cut_by_pack(const std::vector<TokenSpan>& sequences, int64_t budget,
                                bool share);

// Packs sequences of at least one token in the given order. Only neighbours share. With `share`
// false every sequence has its own tokens.
SharedPack pack_shared(std::span<const TokenSpan> sequences, bool share);

}  // namespace unlearn::data
