// AdamW with decoupled weight decay (Loshchilov & Hutter, arXiv 1711.05101), as torch.optim.AdamW,
// with an exact or a stochastically rounded master for bf16 weights and state in 32, 16 or 8 bits.
#pragma once

#include <torch/types.h>

#include <functional>
#include <string>
#include <vector>

#include "unlearn/kernels/adamw.h"

namespace unlearn::train {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;
using kernels::Master;

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
  Master master = Master::kSplit;  // of bfloat16 parameters; wider ones are their own master
  int64_t state_bits = 32;         // 32, 16 or 8
  uint64_t seed = 0;               // of stochastic rounding, a function of (seed, step, element)
};

// Bytes that one parameter tensor's moments, scales and remainder take (for memory plans).
int64_t optimizer_bytes(int64_t elements, torch::Dtype dtype, Master master, int64_t state_bits);

// A parameter's gradient as a contiguous tensor: that of an embedding alone may be sparse.
// Undefined where there is none.
torch::Tensor dense_gradient(const torch::Tensor& parameter);

// State lies in one flat arena per kind and dtype, each tensor's part starting at a multiple of the
// 8-bit block. Parameters and gradients stay where they are: autograd hands a finished gradient
// buffer over without a copy, which a gradient arena would add a pass to.
class AdamW {
 public:
  // `is_decayed` says by name which parameters weight decay applies to.
  AdamW(NamedTensors parameters, const AdamWOptions& options,
        const std::function<bool(const std::string&)>& is_decayed);

  // L2 norm over all gradients, in fp32 or wider. Parameters without a gradient count as 0.
  double gradient_norm() const;
  // Name of the first parameter whose gradient holds a NaN or an infinity; "" if there is none.
  std::string first_nonfinite_gradient() const;

  // One update with gradients multiplied by `gradient_scale` (the clip coefficient).
  void step(double lr, double gradient_scale);
  // The same in parts: counts the step, then updates single parameters as their gradients come.
  void begin_step() { ++steps_; }
  void update(size_t index, double lr);
  // Frees the gradients.
  void zero_gradients();

  int64_t steps_done() const { return steps_; }
  const NamedTensors& parameters() const { return parameters_; }
  // All state as named tensors ("exp_avg.<parameter>", …), for checkpoints.
  NamedTensors state() const;
  // UserError when the state does not fit the parameters.
  void load_state(const std::function<torch::Tensor(const std::string&)>& find, int64_t steps);
  // Bytes of moments, scales and remainders.
  int64_t state_bytes() const;

 private:
  struct Slot {
    kernels::AdamWLayout layout;
    bool decayed = false;
    int64_t index = 0;  // of the first element among all
    // Views into the arenas; undefined where the layout has none.
    torch::Tensor first, second, first_scale, second_scale, remainder;
  };
  void allocate();
  kernels::AdamWNumbers numbers(double lr, double gradient_scale) const;
  void run(const std::vector<size_t>& indices, double lr, double gradient_scale);

  NamedTensors parameters_;
  AdamWOptions options_;
  std::vector<Slot> slots_;
  int64_t steps_ = 0;
};

}  // namespace unlearn::train
