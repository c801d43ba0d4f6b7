// Random numbers that are values: every generator can be saved, and everything that orders data is
// a pure function of (seed, epoch, position).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "unlearn/core/mix_bits.h"

namespace unlearn {

// FNV-1a of a parameter's or layer's name: a stream number that depends on the name only.
uint64_t name_hash(const std::string& name);

// A small generator whose whole state is one number.
class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}
  uint64_t next();
  // Uniform in [0, bound), without modulo bias; bound > 0.
  int64_t below(int64_t bound);
  // Uniform in [0, 1) with 53 random bits.
  double uniform();

  uint64_t state() const { return state_; }
  void set_state(uint64_t state) { state_ = state; }

 private:
  uint64_t state_;
};

// A uniformly random permutation of 0..n-1 that depends only on (n, seed, epoch).
std::vector<int64_t> permutation(int64_t n, uint64_t seed, uint64_t epoch);

// What PyTorch's CPU generator draws first for randint(0, bound) after manual_seed(seed): the first
// output of MT19937 modulo bound; Unlearn-Simple (TOFU/dataloader.py) pairs rows by it.
int64_t torch_first_randint(uint64_t seed, int64_t bound);

}  // namespace unlearn
