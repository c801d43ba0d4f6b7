#include "unlearn/core/rng.h"

#include <numeric>
#include <random>

#include "unlearn/core/error.h"

namespace unlearn {

uint64_t name_hash(const std::string& name) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

uint64_t Rng::next() {
  state_ += kGolden64;
  return finalise64(state_);
}

int64_t Rng::below(int64_t bound) {
  UNLEARN_CHECK(bound > 0, "bound ", bound);
  const auto range = static_cast<uint64_t>(bound);
  const uint64_t limit = UINT64_MAX - UINT64_MAX % range;
  uint64_t draw = next();
  while (draw >= limit) draw = next();
  return static_cast<int64_t>(draw % range);
}

double Rng::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

std::vector<int64_t> permutation(int64_t n, uint64_t seed, uint64_t epoch) {
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  Rng rng(mix_bits(seed, epoch, static_cast<uint64_t>(n)));
  for (int64_t i = n - 1; i > 0; --i) {
    std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(rng.below(i + 1))]);
  }
  return order;
}

int64_t torch_first_randint(uint64_t seed, int64_t bound) {
  UNLEARN_CHECK(bound > 0 && bound < (int64_t{1} << 32), "bound ", bound);
  std::mt19937 generator(static_cast<uint32_t>(seed));
  return static_cast<int64_t>(generator() % static_cast<uint64_t>(bound));
}

}  // namespace unlearn
