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
  // The elements of all parameters in a row are cut into `parts`, and this object keeps the state
  // of one of them and updates no others (Rajbhandari et al., arXiv 1910.02054: ZeRO, stage 1).
  int64_t part = 0;
  int64_t parts = 1;
};

// Elements of one parameter that belong to one part.
struct Piece {
  size_t parameter = 0;
  int64_t begin = 0;  // of its elements in memory order; a multiple of the 8-bit block
  int64_t size = 0;
  int64_t part = 0;
};

// Bytes that one parameter tensor's moments, scales and remainder take in all parts (for memory
// plans).
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

  // L2 norm over the gradients of this part, in fp32 or wider. Parameters without a gradient count
  // as 0.
  double gradient_norm() const;
  // Name of the first parameter whose gradient holds a NaN or an infinity in this part; "" if there
  // is none.
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
  // Every parameter's elements by the part they belong to, in the order of all elements.
  const std::vector<Piece>& pieces() const { return pieces_; }
  // The state as named tensors ("exp_avg.<parameter>", …), for checkpoints.
  struct StatePart {
    std::string name;
    size_t parameter = 0;
    std::vector<int64_t> sizes;  // of the whole tensor
    torch::Dtype dtype;
    int64_t unit = 1;   // elements of the parameter that one number here is about
    torch::Tensor own;  // this part's: of those sizes when it is whole, flat when it is not, else
                        // undefined
  };
  std::vector<StatePart> state() const;
  // UserError when the state does not fit the parameters.
  void load_state(const std::function<torch::Tensor(const std::string&)>& find, int64_t steps);
  // Bytes of moments, scales and remainders held here.
  int64_t state_bytes() const;

 private:
  struct Slot {
    kernels::AdamWLayout layout;
    bool decayed = false;
    int64_t index = 0;  // of the first element among all
    // The elements of this part.
    int64_t begin = 0;
    int64_t size = 0;
    // Views into the arenas; undefined where the layout or the part has none.
    torch::Tensor first, second, first_scale, second_scale, remainder;
  };
  void cut();
  void allocate();
  // The elements of a parameter or its gradient that belong to this part; undefined without any.
  torch::Tensor own_elements(size_t index, const torch::Tensor& whole) const;
  kernels::AdamWNumbers numbers(double lr, double gradient_scale) const;
  void run(const std::vector<size_t>& indices, double lr, double gradient_scale);

  NamedTensors parameters_;
  AdamWOptions options_;
  std::vector<Slot> slots_;
  std::vector<Piece> pieces_;
  int64_t steps_ = 0;
};

}  // namespace unlearn::train
