// One AdamW update (Loshchilov & Hutter, arXiv 1711.05101) over many tensors at once, in every
// combination of master weights and state precision. CPU twin and CUDA kernel run the same
// arithmetic without fused multiply-adds, so they agree to the bit.
#pragma once

#include <cstdint>

#include "unlearn/kernels/state_code.h"

namespace unlearn::kernels {

// What is kept of a parameter beyond its own bits.
enum class Master : int32_t {
  kFull = 0,        // fp32 or fp64 parameter: it is its own master
  kSplit = 1,       // bf16 parameter + int16 remainder = exact fp32 master
  kStochastic = 2,  // bf16 parameter alone, updates rounded at random: right on average
  kRounded = 3,     // bf16 parameter alone, updates rounded to nearest: small ones vanish
};

// How the moments are kept. kBlock8 stores m and sqrt(v) as 8-bit codes relative to the maximum of
// their block of kStateBlock elements; it and kBfloat16 round stochastically.
enum class State : int32_t { kWide = 0, kBfloat16 = 1, kBlock8 = 2 };

struct AdamWLayout {
  DType dtype = DType::kFloat32;  // of parameter and gradient
  Master master = Master::kFull;
  State state = State::kWide;  // kWide: fp32, fp64 for fp64 parameters
};

// One tensor. `first` and `second` have the state's dtype; scales hold one fp32 per block.
struct AdamWTensor {
  void* parameter = nullptr;
  const void* gradient = nullptr;
  int16_t* remainder = nullptr;  // kSplit only
  void* first = nullptr;
  void* second = nullptr;
  float* first_scale = nullptr;  // kBlock8 only
  float* second_scale = nullptr;
  int64_t size = 0;
  int64_t index = 0;  // of the first element among all parameters: what random bits depend on
  double decay = 0;   // lr * weight decay, 0 where the tensor is not decayed
};

// The numbers of this update; `decay` of each tensor apart.
struct AdamWNumbers {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double step_size = 0;   // lr / (1 - beta1^t)
  double root_bias2 = 1;  // sqrt(1 - beta2^t)
  // On the tensors' device, times which every gradient is taken: it can be made there, after this
  // is asked for. Null: 1. Where it is not finite nothing is changed.
  const double* gradient_scale = nullptr;
  RandomKey weight_key, state_key;

  UNLEARN_PORTABLE double scale() const {
    return gradient_scale == nullptr ? 1.0 : *gradient_scale;
  }
  UNLEARN_PORTABLE bool are_applied() const { return std::isfinite(scale()); }
};

// CPU twin: elements [begin, end) of one tensor; begin is a multiple of kStateBlock.
void adamw_cpu(const AdamWTensor& tensor, const AdamWLayout& layout, const AdamWNumbers& numbers,
               int64_t begin, int64_t end);

// The rule for one element; T is fp32 or fp64. sqrt(1 - beta2^t) is moved out of the denominator:
// a division less per element.
template <class T>
struct AdamWRule {
  T keep1, beta2, keep2, epsilon, step_size, gradient_scale, shrink;

  UNLEARN_PORTABLE AdamWRule(const AdamWNumbers& numbers, double decay)
      : keep1(static_cast<T>(1 - numbers.beta1)),
        beta2(static_cast<T>(numbers.beta2)),
        keep2(static_cast<T>(1 - numbers.beta2)),
        epsilon(static_cast<T>(numbers.epsilon * numbers.root_bias2)),
        step_size(static_cast<T>(numbers.step_size * numbers.root_bias2)),
        gradient_scale(static_cast<T>(numbers.scale())),
        shrink(static_cast<T>(1 - decay)) {}

  UNLEARN_PORTABLE void apply(T& weight, T gradient, T& first, T& second) const {
    gradient *= gradient_scale;
    first += keep1 * (gradient - first);
    second = beta2 * second + keep2 * gradient * gradient;
    weight = weight * shrink - step_size * first / (std::sqrt(second) + epsilon);
  }
};

// Exact fp32 <-> (bf16, int16): hi = (bits + 0x8000) >> 16, lo = bits - (hi << 16).
UNLEARN_PORTABLE float join_master(Bf16 high, int16_t low) {
  return float_from_bits((static_cast<uint32_t>(high.bits) << 16) +
                         static_cast<uint32_t>(static_cast<int32_t>(low)));
}
UNLEARN_PORTABLE void split_master(float master, Bf16& high, int16_t& low) {
  const uint32_t bits = float_bits(master);
  const uint32_t upper = (bits + 0x8000U) >> 16;
  high.bits = static_cast<uint16_t>(upper);
  low = static_cast<int16_t>(static_cast<uint16_t>(bits));
}

}  // namespace unlearn::kernels
