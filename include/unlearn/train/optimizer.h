// AdamW with decoupled weight decay (Loshchilov & Hutter, arXiv 1711.05101), as torch.optim.AdamW.
#pragma once

#include <torch/types.h>

#include <functional>
#include <string>
#include <vector>

namespace unlearn::train {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
  // bfloat16 parameters: keep the exact fp32 master as the bf16 parameter plus an int16 remainder.
  bool split_master = true;
};

// fp32 and fp64 parameters are updated in place by ATen's fused kernel; moments have the
// parameter's dtype, fp32 for bfloat16 parameters.
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
  // Frees or zeroes the gradients.
  void zero_gradients();

  int64_t steps_done() const { return steps_; }
  const NamedTensors& parameters() const { return parameters_; }
  // All state as named tensors ("exp_avg.<parameter>", …), for checkpoints.
  NamedTensors state() const;
  // UserError when the state does not fit the parameters.
  void load_state(const std::function<torch::Tensor(const std::string&)>& find, int64_t steps);
  // Bytes of moments and remainders.
  int64_t state_bytes() const;

 private:
  void step_fused(double lr, double gradient_scale, bool decayed);
  void step_bfloat16(size_t index, double lr, double gradient_scale);

  NamedTensors parameters_;
  AdamWOptions options_;
  std::vector<bool> decayed_;
  std::vector<torch::Tensor> exp_avg_, exp_avg_sq_;
  std::vector<torch::Tensor> remainder_;  // int16, only for split bfloat16 parameters
  int64_t steps_ = 0;
};

// Exact fp32 <-> (bfloat16, int16): hi = (bits + 0x8000) >> 16, lo = bits - (hi << 16).
torch::Tensor join_master(const torch::Tensor& high, const torch::Tensor& low);
void split_master(const torch::Tensor& master, torch::Tensor& high, torch::Tensor& low);

}  // namespace unlearn::train
