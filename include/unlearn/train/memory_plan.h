// How much memory a run will take at its peak, and which memory modes `auto` means.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "unlearn/model/footprint.h"
#include "unlearn/train/trainer_inputs.h"

namespace unlearn::train {

// What the plan needs to know of a run; made without loading weights.
struct MemoryShape {
  model::ModelFootprint model;
  torch::Dtype dtype = torch::kFloat32;
  bool on_cpu = true;
  int64_t processes = 1;  // that share the run; what follows is of one of them
  // The largest micro-batch of the run.
  int64_t micro_batches = 1;  // most micro-batches that a step runs
  int64_t tokens = 0;
  int64_t pairs = 0;          // of tokens in one sequence, over all of them
  int64_t longest_pairs = 0;  // in the longest sequence
  int64_t label_rows = 0;
  int64_t kl_rows = 0;          // rows whose whole distribution is compared with the reference's
  int64_t reference_bytes = 0;  // cached reference states
  int64_t copies = 0;           // of the trained weights, that the run keeps in host memory
  int64_t loaded_bytes = 0;     // of weights that are in host memory when the plan is made
};

// The largest micro-batch over all steps and processes; `inputs` needs no model. Fills the fields
// from `micro_batches` on, and takes what the method does not train out of `model`.
void measure_steps(const TrainerInputs& inputs, torch::Device device, MemoryShape& shape);

// Bytes at the peak. Activations and gradients peak apart when a step is one micro-batch: the
// backward pass frees the former while it makes the latter.
struct MemoryPlan {
  Master master = Master::kSplit;
  int64_t state_bits = 32;
  model::Recompute recompute = model::Recompute::kNone;
  GradientSum gradient_sum = GradientSum::kModel;
  int64_t parameters = 0;  // of the model, and how many elements are trained
  int64_t trained = 0;
  int64_t weights = 0;
  int64_t gradients = 0;
  int64_t state = 0;   // the optimizer's
  int64_t update = 0;  // what the update rule keeps
  int64_t activations = 0;
  int64_t logits = 0;
  int64_t reference = 0;
  int64_t copies = 0;   // of the trained weights, in host memory
  int64_t program = 0;  // code, libraries, data; on a GPU the context
  int64_t peak = 0;
};

// With `auto` resolved: the exact modes first, then 8-bit state; the first that fits in
// `available`, or the smallest when none does. Sums in fp32 are given up after recomputation.
// Stochastic rounding and freed gradients change the recipe and are only taken when asked for.
MemoryPlan plan_memory(const MemoryShape& shape, const TrainConfig& config, int64_t available);

// Bytes that this process may still take on a device: free memory within the control group's limit
// on the CPU (including what it holds already), free device memory on a GPU.
int64_t available_memory(torch::Device device);

// Peak resident memory of this process in bytes.
int64_t peak_host_bytes();

// Most bytes that tensors on a GPU have held at once; 0 on the CPU.
int64_t peak_device_bytes(torch::Device device);

}  // namespace unlearn::train
