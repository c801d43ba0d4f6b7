// Activation recomputation: a part of the model runs without keeping what its backward pass needs,
// and runs again when that pass comes (Chen et al., arXiv 1604.06174).
#pragma once

#include <torch/types.h>

#include <functional>

namespace unlearn::model {

// A pure function of its input and of parameters: any randomness must come from counters, never
// from a generator that moves on, because it is called twice. It must own or outlive what it uses.
using Part = std::function<torch::Tensor(const torch::Tensor&)>;

// part(x), keeping only x. Gradients of x and of the part's parameters are, bit for bit, those of
// part(x) itself (where the result has more than two users, as states that a loss reads have, up to
// the order of a sum). Parameters' gradients are added to .grad: use .backward(), not
// autograd::grad.
torch::Tensor recomputed(const torch::Tensor& x, const Part& part);

}  // namespace unlearn::model
