// The pieces every decoder family is built from. Parameters are allocated but not filled: loading
// or initialising does that, so no time and memory goes into values that are overwritten.
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <string>

namespace unlearn::model {

// Where and as what parameters are made; the meta device makes shapes without memory.
struct Placement {
  torch::Dtype dtype = torch::kFloat32;
  torch::Device device = torch::kCPU;

  torch::Tensor empty(torch::IntArrayRef shape) const {
    return torch::empty(shape, torch::TensorOptions().dtype(dtype).device(device));
  }
};

// y = x W^T + b; W: [out, in].
class Linear : public torch::nn::Module {
 public:
  Linear(const Placement& placement, int64_t in, int64_t out, bool has_bias);
  torch::Tensor forward(const torch::Tensor& x) const { return torch::linear(x, weight, bias); }

  torch::Tensor weight;
  torch::Tensor bias;  // [out] or undefined
};

class Embedding : public torch::nn::Module {
 public:
  Embedding(const Placement& placement, int64_t rows, int64_t width);
  torch::Tensor forward(const torch::Tensor& ids) const { return torch::embedding(weight, ids); }

  torch::Tensor weight;  // [rows, width]
};

// A normalisation over the last dimension.
class Norm : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& x) const = 0;
};

// weight * x / sqrt(mean(x^2) + eps), statistics in fp32 or wider (arXiv 1910.07467).
class RmsNorm : public Norm {
 public:
  RmsNorm(const Placement& placement, int64_t width, double eps);
  torch::Tensor forward(const torch::Tensor& x) const override;

  torch::Tensor weight;  // [width]

 private:
  double eps_;
};

class LayerNorm : public Norm {
 public:
  LayerNorm(const Placement& placement, int64_t width, double eps);
  torch::Tensor forward(const torch::Tensor& x) const override;

  torch::Tensor weight;  // [width]
  torch::Tensor bias;    // [width]

 private:
  double eps_;
};

// The activations that config.json's hidden_act may name.
enum class Activation { kSilu, kGelu, kGeluTanh, kRelu };
torch::Tensor activate(const torch::Tensor& x, Activation activation);

// A feed-forward part: [T, d] -> [T, d].
class Mlp : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& x) const = 0;
};

struct MlpOptions {
  int64_t width = 0;
  int64_t inner = 0;
  bool has_bias = false;
  Activation activation = Activation::kSilu;
};

// down(act(gate(x)) * up(x)): gate_proj, up_proj, down_proj.
class GatedMlp : public Mlp {
 public:
  GatedMlp(const Placement& placement, const MlpOptions& options);
  torch::Tensor forward(const torch::Tensor& x) const override;

 private:
  Activation activation_;
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

 private:
  Activation activation_;
  std::shared_ptr<Linear> first_;
  std::shared_ptr<Linear> second_;
};

}  // namespace unlearn::model
