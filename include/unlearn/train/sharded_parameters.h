// The trained tensors of a run and which process owns which of their elements (Rajbhandari et al.,
// arXiv 1910.02054: ZeRO, stage 1).
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace unlearn::train {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

// Where the elements of all parameters, in a row, may be cut between processes.
enum class ShardRule {
  kBlocks,   // anywhere at a multiple of kernels::kStateBlock elements: the rule is elementwise
  kTensors,  // between tensors only: the rule reads whole matrices
};

// Elements of one parameter that belong to one process.
struct Shard {
  size_t parameter = 0;
  int64_t begin = 0;  // of its elements in memory order; a multiple of the block
  int64_t size = 0;
  int64_t part = 0;  // the process
};

// A parameter's gradient as a contiguous tensor: that of an embedding alone may be sparse.
// Undefined where there is none.
torch::Tensor dense_gradient(const torch::Tensor& parameter);

class ShardedParameters {
 public:
  // Of `parts` processes this is `part`.
  ShardedParameters(NamedTensors parameters, ShardRule rule, int64_t part = 0, int64_t parts = 1);

  const NamedTensors& all() const { return parameters_; }
  size_t size() const { return parameters_.size(); }
  torch::Device device() const { return parameters_.front().second.device(); }
  // Every parameter's elements by their owner, in the order of all elements.
  const std::vector<Shard>& shards() const { return shards_; }
  // What this process owns of a parameter; size 0: nothing.
  const Shard& own(size_t parameter) const { return own_[parameter]; }
  // Place of the parameter's first element among all, each tensor beginning at a new block: what
  // random bits may depend on whatever the number of processes.
  int64_t index(size_t parameter) const { return indices_[parameter]; }
  // Those elements of `whole` (the parameter, or a tensor shaped like it) that this process owns,
  // in the tensor's shape when it owns all; undefined when it owns none.
  torch::Tensor own_elements(size_t parameter, const torch::Tensor& whole) const;
  torch::Tensor own_weight(size_t parameter) const;
  // A view of .grad, which is made dense first; undefined where there is none.
  torch::Tensor own_gradient(size_t parameter) const;

  // L2 norm over the own gradients, made in fp32 or wider: a number in fp64 where they are.
  // Parameters without one count as 0.
  torch::Tensor gradient_norm() const;
  // Name of the first parameter whose own gradient holds a NaN or an infinity; "" if none does.
  std::string first_nonfinite_gradient() const;
  // Frees the gradients.
  void clear_gradients() const;

 private:
  void cut(ShardRule rule, int64_t part, int64_t parts);

  NamedTensors parameters_;
  std::vector<int64_t> indices_;
  std::vector<Shard> shards_;
  std::vector<Shard> own_;
};

// One tensor that is kept between steps ("exp_avg.<parameter>", …), for checkpoints.
struct StatePart {
  std::string name;
  size_t parameter = 0;
  std::vector<int64_t> sizes;  // of the whole tensor
  torch::Dtype dtype;
  int64_t unit = 1;   // elements of the parameter that one number here is about
  torch::Tensor own;  // this process's: of those sizes when it is whole, flat when it is not, else
                      // undefined
};

// Fills the parts from whole tensors. UserError when one does not fit.
void load_parts(const std::vector<StatePart>& parts, const ShardedParameters& parameters,
                const std::function<torch::Tensor(const std::string&)>& find);

}  // namespace unlearn::train
