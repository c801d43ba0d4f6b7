#include "unlearn/train/memory_plan.h"

#include <c10/core/CachingDeviceAllocator.h>

#include <algorithm>
#include <array>

#include "train/gradient_step.h"
#include "train/host_memory.h"
#include "unlearn/scoring/token_logprob.h"

namespace unlearn::train {
namespace {

using model::Recompute;

// A CUDA context with cuBLAS workspaces.
constexpr int64_t kDeviceContext = int64_t{800} << 20;
// What the process takes beyond what it holds when the plan is made: threads, buffers of the
// matrix libraries, and memory that the allocator keeps between uses.
constexpr int64_t kHostSlack = int64_t{112} << 20;
// Steps beyond this many are not looked at; by then the largest micro-batch has been seen.
constexpr int64_t kStepsMeasured = 2000;

struct Modes {
  std::string master, state_bits, recompute;
};

Master master_of(const std::string& name) {
  return name == "sr" ? Master::kStochastic : name == "none" ? Master::kRounded : Master::kSplit;
}

Recompute recompute_of(const std::string& name) {
  return name == "full"        ? Recompute::kFull
         : name == "selective" ? Recompute::kSelective
                               : Recompute::kNone;
}

int64_t logits_bytes(const MemoryShape& shape) {
  const scoring::LogitsOptions options;
  const int64_t wide = shape.dtype == torch::kFloat64 ? 8 : 4;
  const int64_t row = shape.model.dims.vocab_size * wide;
  const int64_t all = shape.label_rows * row;
  // Logits and one temporary of their size.
  int64_t bytes = 2 * (all <= options.store_bytes ? all : std::min(all, options.chunk_bytes));
  if (shape.kl_rows > 0) {
    bytes = std::max(bytes, 2 * std::min(2 * shape.kl_rows * row, options.chunk_bytes));
  }
  return bytes;
}

MemoryPlan predict(const MemoryShape& shape, const TrainConfig& config, const Modes& modes) {
  const auto element = static_cast<int64_t>(torch::elementSize(shape.dtype));
  const int64_t head = shape.model.dims.vocab_size * shape.model.dims.hidden_size * element;
  MemoryPlan plan;
  plan.master = modes.master;
  plan.state_bits = modes.state_bits;
  plan.recompute = modes.recompute;
  plan.parameters = shape.model.parameter_count();
  plan.weights = plan.parameters * element;
  int64_t largest = 0;
  for (const auto& [name, elements] : shape.model.parameters) {
    plan.state += optimizer_bytes(elements, shape.dtype, master_of(modes.master),
                                  std::stoll(modes.state_bits));
    largest = std::max(largest, elements * element);
  }
  plan.gradients = config.free_gradients ? largest : plan.weights;
  // A tied embedding's two gradients exist beside their sum when they are added.
  if (shape.model.dims.tied_embeddings) plan.gradients += 2 * head;
  // What is kept, and what the block in work holds besides: gradients of its intermediate values.
  const int64_t in_work = 2 * shape.model.mlp_width + 4 * shape.model.dims.hidden_size;
  const int64_t kept = shape.model.kept(recompute_of(modes.recompute));
  plan.activations = shape.tokens * (kept + in_work) * element;
  plan.logits = logits_bytes(shape);
  plan.reference = shape.reference_bytes;
  plan.program = shape.on_cpu ? resident_bytes() + kHostSlack : kDeviceContext;
  // The head's gradient is made first, while all activations are alive.
  const int64_t forward = plan.activations + plan.logits + head;
  const int64_t transient = shape.micro_batches > 1 && !config.free_gradients
                                ? plan.gradients + forward
                                : std::max(forward, plan.gradients);
  plan.peak = plan.weights + plan.state + plan.reference + plan.program + transient;
  return plan;
}

}  // namespace

void measure_steps(const TrainerInputs& inputs, torch::Device device, MemoryShape& shape) {
  const losses::Needs needs = inputs.loss->needs();
  const auto has_rows = [&](data::Role role) {
    const auto& request = role == data::Role::kForget ? needs.forget_rows : needs.retain_rows;
    return role != data::Role::kAlternate && request.function != scoring::RowFunction::kNone;
  };
  const auto is_read = [&](data::Role role) {
    return role == data::Role::kForget   ? needs.forget
           : role == data::Role::kRetain ? needs.retain
                                         : needs.alternate;
  };
  for_each_step(inputs, device, kStepsMeasured, [&](const auto& micro_batches) {
    shape.micro_batches = std::max(shape.micro_batches, static_cast<int64_t>(micro_batches.size()));
    for (const auto& items : micro_batches) {
      int64_t tokens = 0, labels = 0, rows = 0;
      for (const data::PackItem& item : items) {
        if (!is_read(item.role)) continue;
        const auto inputs_of_item = static_cast<int64_t>(item.example->tokens.size()) - 1;
        tokens += inputs_of_item;
        labels += item.example->num_labels;
        if (has_rows(item.role)) rows += inputs_of_item;
      }
      shape.tokens = std::max(shape.tokens, tokens);
      shape.label_rows = std::max(shape.label_rows, labels);
      shape.kl_rows = std::max(shape.kl_rows, rows);
    }
  });
  const auto element = static_cast<int64_t>(torch::elementSize(shape.dtype));
  const int64_t width = shape.model.dims.hidden_size;
  const scoring::ReferenceNeeds reference = reference_needs(inputs);
  for (const auto* states : {&reference.hidden, &reference.layer_hidden}) {
    for (const auto& rows : *states) {
      shape.reference_bytes += static_cast<int64_t>(rows.example->tokens.size()) * width * element;
    }
  }
  // The reference's own head.
  if (!reference.hidden.empty())
    shape.reference_bytes += shape.model.dims.vocab_size * width * element;
}

MemoryPlan plan_memory(const MemoryShape& shape, const TrainConfig& config, int64_t available) {
  const auto choices = [](const std::string& asked, std::vector<std::string> when_auto) {
    return asked == "auto" ? when_auto : std::vector<std::string>{asked};
  };
  const std::string master = config.master == "auto" ? "split" : config.master;
  MemoryPlan smallest;
  for (const std::string& bits : choices(config.state_bits, {"32", "8"})) {
    for (const std::string& recompute : choices(config.recompute, {"none", "selective", "full"})) {
      const MemoryPlan plan = predict(shape, config, {master, bits, recompute});
      if (plan.peak <= available) return plan;
      if (smallest.peak == 0 || plan.peak < smallest.peak) smallest = plan;
    }
  }
  return smallest;
}

int64_t available_memory(torch::Device device) {
  if (device.is_cpu()) return available_host_bytes() + resident_bytes();
  return static_cast<int64_t>(
      at::getDeviceAllocator(device.type())->getMemoryInfo(device.index()).first);
}

int64_t peak_device_bytes(torch::Device device) {
  if (device.is_cpu()) return 0;
  const auto stats = at::getDeviceAllocator(device.type())->getDeviceStats(device.index());
  return stats.allocated_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)]
      .peak;
}

}  // namespace unlearn::train
