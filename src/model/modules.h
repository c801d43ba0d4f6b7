// The pieces every decoder family is built from. Parameters are allocated but not filled: loading
// or initialising does that, so no time and memory goes into values that are overwritten.
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "model/kept.h"
#include "model/linear_product.h"

namespace unlearn::model {

// Where and as what parameters are made; the meta device makes shapes without memory.
struct Placement {
  torch::Dtype dtype = torch::kFloat32;
  torch::Device device = torch::kCPU;

  torch::Tensor empty(torch::IntArrayRef shape) const {
    return torch::empty(shape, torch::TensorOptions().dtype(dtype).device(device));
  }
};

// How a checkpoint stores a linear map's matrix: [out, in], or [in, out] as GPT-2's Conv1D.
enum class WeightLayout { kOutIn, kInOut };

struct LowRank;       // low_rank.h
struct PackedMatrix;  // unlearn/model/weight_format.h
struct WeightFormat;

// y = x W^T + b with W [out, in]; or x W + b with W [in, out].
class Linear : public torch::nn::Module {
 public:
  Linear(const Placement& placement, int64_t in, int64_t out, bool has_bias,
         WeightLayout layout = WeightLayout::kOutIn);
  torch::Tensor forward(const torch::Tensor& x) const;
  // forward(silu(gate) * up). A plain layer keeps the two factors for its backward pass and makes
  // their product again there, which is cheaper than holding it.
  torch::Tensor forward_swiglu(const torch::Tensor& gate,
                               const std::optional<torch::Tensor>& up) const;

  int64_t in_features() const { return in_; }
  int64_t out_features() const { return out_; }
  WeightLayout layout() const { return layout_; }
  torch::TensorOptions placement() const;                  // dtype and device of the weight
  torch::Tensor matrix() const { return turned(weight); }  // [out, in] in either layout
  void add_to_matrix(const torch::Tensor& delta);          // W += delta, [out, in]

  // What forward() and forward_swiglu() keep; the latter instead of their `input`.
  ModuleKept kept(const KeptContext& context) const;
  int64_t kept_swiglu(const KeptContext& context) const;

  // LoRA: a trainable pair beside the frozen weight, registered as lora_A.weight and lora_B.weight;
  // null takes it away.
  void set_low_rank(std::shared_ptr<LowRank> pair);
  const LowRank* low_rank() const { return low_rank_.get(); }
  bool is_plain() const { return !low_rank_ && !packed_; }
  // Replaces the weight, which may hold anything, by `stored` (in the layer's layout) in a
  // format; unpack() makes it a plain weight of the values computed with. Errors begin with
  // `where`.
  void pack(const torch::Tensor& stored, const WeightFormat& format, torch::Device device,
            const std::string& where);
  void unpack();
  // Of a plain layer's products.
  void set_precision(Precision precision) { precision_ = precision; }
  // Only says so, for memory plans.
  void plan_pack(const WeightFormat& format);

  torch::Tensor weight;  // undefined while packed
  torch::Tensor bias;    // [out] or undefined

 private:
  // A weight or matrix in the other layout's order, when they differ.
  torch::Tensor turned(const torch::Tensor& matrix) const {
    return layout_ == WeightLayout::kOutIn ? matrix : matrix.t();
  }

  int64_t in_, out_;
  WeightLayout layout_;
  Precision precision_ = Precision::kModel;
  std::shared_ptr<LowRank> low_rank_;     // or null
  std::shared_ptr<PackedMatrix> packed_;  // or null
};

class Embedding : public torch::nn::Module {
 public:
  // `padding_row` gets no gradient from its look-ups, as nn.Embedding's padding_idx; -1: none.
  Embedding(const Placement& placement, int64_t rows, int64_t width, int64_t padding_row = -1);
  // With `sparse_gradient` the weight's gradient holds the rows of `ids` alone.
  torch::Tensor forward(const torch::Tensor& ids, bool sparse_gradient = false) const {
    return torch::embedding(weight, ids, padding_row_, /*scale_grad_by_freq=*/false,
                            sparse_gradient);
  }

  torch::Tensor weight;  // [rows, width]

 private:
  int64_t padding_row_;
};

// A normalisation over the last dimension.
class Norm : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& x) const = 0;
  // With this many rows per token. All need their input.
  virtual ModuleKept kept(const KeptContext& context, int64_t rows) const = 0;
};

// What an RmsNorm multiplies with, and in which dtype.
enum class RmsWeight {
  kNarrow,   // the weight, after returning to the model's dtype (Llama)
  kWide,     // the weight, before that (OLMo-2)
  kOnePlus,  // 1 + the weight, before that (Gemma)
};

// weight * x / sqrt(mean(x^2) + eps), statistics in fp32 or wider (arXiv 1910.07467).
class RmsNorm : public Norm {
 public:
  RmsNorm(const Placement& placement, int64_t width, double eps,
          RmsWeight kind = RmsWeight::kNarrow);
  torch::Tensor forward(const torch::Tensor& x) const override;
  ModuleKept kept(const KeptContext& context, int64_t rows) const override;

  torch::Tensor weight;  // [width]

 private:
  double eps_;
  RmsWeight kind_;
};

class LayerNorm : public Norm {
 public:
  LayerNorm(const Placement& placement, int64_t width, double eps);
  torch::Tensor forward(const torch::Tensor& x) const override;
  ModuleKept kept(const KeptContext& context, int64_t rows) const override;

  torch::Tensor weight;  // [width]
  torch::Tensor bias;    // [width]

 private:
  double eps_;
};

// LayerNorm without bias and with a weight per head, on [T, H, D]; names norms.0, norms.1, …
// (StableLM-2).
class PerHeadLayerNorm : public Norm {
 public:
  PerHeadLayerNorm(const Placement& placement, int64_t heads, int64_t head_dim, double eps);
  torch::Tensor forward(const torch::Tensor& x) const override;
  ModuleKept kept(const KeptContext& context, int64_t rows) const override;

 private:
  std::vector<torch::Tensor> weights_;  // per head [D]
  double eps_;
};

// The activations that config.json's hidden_act may name.
enum class Activation { kSilu, kGelu, kGeluTanh, kRelu };
torch::Tensor activate(const torch::Tensor& x, Activation activation);
// Whether activate() needs its input in the backward pass, not its result.
inline bool keeps_input(Activation activation) { return activation != Activation::kRelu; }

// A feed-forward part: [T, d] -> [T, d].
class Mlp : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& x) const = 0;
  virtual ModuleKept kept(const KeptContext& context) const = 0;
};

struct MlpOptions {
  int64_t width = 0;
  int64_t inner = 0;
  bool has_bias = false;
  Activation activation = Activation::kSilu;
  bool is_fused = false;                       // gate and up in one matrix
  WeightLayout layout = WeightLayout::kOutIn;  // of PlainMlp
};

// down(act(gate(x)) * up(x)): gate_proj, up_proj, down_proj; or fused gate_up_proj (gate first),
// down_proj.
class GatedMlp : public Mlp {
 public:
  GatedMlp(const Placement& placement, const MlpOptions& options);
  torch::Tensor forward(const torch::Tensor& x) const override;
  ModuleKept kept(const KeptContext& context) const override;

 private:
  Activation activation_;
  std::shared_ptr<Linear> gate_up_;  // or the two below
  std::shared_ptr<Linear> gate_;
  std::shared_ptr<Linear> up_;
  std::shared_ptr<Linear> down_;
};

// second(act(first(x))), under the family's two names.
class PlainMlp : public Mlp {
 public:
  PlainMlp(const Placement& placement, const MlpOptions& options, const std::string& first,
           const std::string& second);
  torch::Tensor forward(const torch::Tensor& x) const override;
  ModuleKept kept(const KeptContext& context) const override;

 private:
  Activation activation_;
  std::shared_ptr<Linear> first_;
  std::shared_ptr<Linear> second_;
};

}  // namespace unlearn::model
