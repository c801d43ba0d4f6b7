// What modules keep of a forward pass until its backward pass is done, as each reports it: a change
// of what a module computes and its report belong together (tests/model/footprint_test.cpp compares
// them with what is allocated).
#pragma once

#include <torch/types.h>

#include <vector>

#include "unlearn/model/footprint.h"

namespace unlearn::model {

// On what a module runs.
struct KeptContext {
  Execution execution;
  int64_t width = 0;  // of the residual stream

  int64_t element() const { return static_cast<int64_t>(torch::elementSize(execution.dtype)); }
  // Of what never runs in less than fp32.
  int64_t wide() const { return execution.dtype == torch::kFloat64 ? 8 : 4; }
  int64_t stream() const { return width * element(); }
};

// A tensor between two modules is counted by what holds both, once: `input` and `output` tell
// whether this one needs its input or its output in the backward pass.
struct ModuleKept {
  Kept inside = {};
  bool input = false;
  bool output = false;
  // What its backward pass takes besides while it runs.
  Kept work = {};
};

// Modules one behind the other, tensors of the residual stream's width between them.
ModuleKept chain(const std::vector<ModuleKept>& modules, const KeptContext& context);

// A block's.
struct BlockKept {
  Kept all = {};        // with its input
  Kept selective = {};  // the attention half and the input of the second (Recompute::kSelective)
  Kept work = {};
};

}  // namespace unlearn::model
