#include "unlearn/data/pair_stream.h"

#include "unlearn/core/error.h"
#include "unlearn/core/rng.h"

namespace unlearn::data {
namespace {

// Streams of independent draws at one position.
constexpr uint64_t kRetainDraw = 0x52455441;
constexpr uint64_t kAlternateDraw = 0x414C5445;

int64_t draw(uint64_t seed, uint64_t stream, int64_t position, int64_t bound) {
  return Rng(mix_bits(seed, stream, static_cast<uint64_t>(position))).below(bound);
}

}  // namespace

int64_t refusal_line(int64_t forget_row, int64_t count) {
  return torch_first_randint(static_cast<uint64_t>(forget_row), count);
}

PairStream::PairStream(const PairStreamOptions& options) : options_(options) {
  UNLEARN_CHECK(options_.num_forget > 0);
  UNLEARN_CHECK(!options_.alternate_per_forget || options_.num_alternate == options_.num_forget);
  if (!options_.shuffle) options_.pairing = Pairing::kCyclic;
}

const std::vector<int64_t>& PairStream::order_of(int64_t epoch) const {
  if (epoch != cached_epoch_) {
    cached_order_ = permutation(options_.num_forget, options_.seed, static_cast<uint64_t>(epoch));
    cached_epoch_ = epoch;
  }
  return cached_order_;
}

PairItem PairStream::at(int64_t position) const {
  PairItem item;
  const int64_t slot = position % options_.num_forget;
  item.forget =
      options_.shuffle ? order_of(position / options_.num_forget)[static_cast<size_t>(slot)] : slot;
  const auto forget_seed = static_cast<uint64_t>(item.forget);
  const int64_t retain = options_.num_retain;
  const int64_t alternate = options_.num_alternate;
  switch (options_.pairing) {
    case Pairing::kFixed:
      if (retain > 0)
        item.retain = (item.forget + torch_first_randint(forget_seed, retain)) % retain;
      if (alternate > 0) item.alternate = refusal_line(item.forget, alternate);
      break;
    case Pairing::kRandom:
      if (retain > 0) item.retain = draw(options_.seed, kRetainDraw, position, retain);
      if (alternate > 0) item.alternate = draw(options_.seed, kAlternateDraw, position, alternate);
      break;
    case Pairing::kCyclic:
      if (retain > 0) item.retain = position % retain;
      if (alternate > 0) item.alternate = position % alternate;
      break;
    case Pairing::kByRow:
      if (retain > 0) item.retain = item.forget % retain;
      if (alternate > 0) item.alternate = item.forget % alternate;
      break;
  }
  if (options_.alternate_per_forget) item.alternate = item.forget;
  return item;
}

std::vector<PairItem> PairStream::take(int64_t count) {
  std::vector<PairItem> items;
  for (int64_t i = 0; i < count; ++i) items.push_back(at(cursor_++));
  return items;
}

}  // namespace unlearn::data
