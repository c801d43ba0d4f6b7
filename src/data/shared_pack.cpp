#include "unlearn/data/shared_pack.h"

#include <algorithm>
#include <numeric>

#include "unlearn/core/error.h"

namespace unlearn::data {
namespace {

// What is spread out for attention may be larger than what the other layers work on.
constexpr int64_t kNamedPerToken = 4;

int64_t size_of(TokenSpan tokens) { return static_cast<int64_t>(tokens.size()); }

int64_t common_length(TokenSpan a, TokenSpan b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

torch::Tensor tensor_of(const std::vector<int64_t>& values) {
  return torch::tensor(values, torch::kLong);
}

}  // namespace

std::vector<size_t> order_by_beginning(const std::vector<TokenSpan>& sequences) {
  std::vector<size_t> order(sequences.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::ranges::lexicographical_compare(sequences[a], sequences[b]);
  });
  return order;
}

std::vector<size_t> cut_by_pack(const std::vector<TokenSpan>& sequences, int64_t budget,
                                bool share) {
  std::vector<size_t> cuts = {0};
  int64_t tokens = 0, named = 0;
  for (size_t i = 0; i < sequences.size(); ++i) {
    const int64_t length = size_of(sequences[i]);
    const bool is_first = i == cuts.back();
    int64_t added = length;
    if (share && !is_first) added -= common_length(sequences[i - 1], sequences[i]);
    if (!is_first && (tokens + added > budget || named + length > kNamedPerToken * budget)) {
      cuts.push_back(i);
      tokens = named = 0;
      added = length;
    }
    tokens += added;
    named += length;
  }
  if (!sequences.empty()) cuts.push_back(sequences.size());
  return cuts;
}

SharedPack pack_shared(std::span<const TokenSpan> sequences, bool share) {
  SharedPack pack;
  pack.offsets = {0};
  std::vector<int64_t> ids, positions, places, first;
  for (size_t i = 0; i < sequences.size(); ++i) {
    const TokenSpan tokens = sequences[i];
    UNLEARN_CHECK(!tokens.empty(), "sequence ", i);
    const int64_t common = share && i > 0 ? common_length(sequences[i - 1], tokens) : 0;
    for (int64_t t = 0; t < size_of(tokens); ++t) {
      if (t < common) {
        places.push_back(places[static_cast<size_t>(pack.offsets[i - 1] + t)]);
        continue;
      }
      first.push_back(static_cast<int64_t>(places.size()));
      places.push_back(static_cast<int64_t>(ids.size()));
      ids.push_back(tokens[static_cast<size_t>(t)]);
      positions.push_back(t);
    }
    pack.offsets.push_back(static_cast<int64_t>(places.size()));
  }
  pack.ids = tensor_of(ids);
  pack.positions = tensor_of(positions);
  if (ids.size() < places.size()) {
    pack.places = tensor_of(places);
    pack.first = tensor_of(first);
  }
  return pack;
}

}  // namespace unlearn::data
