#include "unlearn/train/memory_plan.h"

#include <c10/core/CachingDeviceAllocator.h>

#include <algorithm>
#include <array>

#include "train/free_gradients.h"
#include "train/host_memory.h"
#include "train/run_stream.h"
#include "unlearn/scoring/token_logprob.h"

namespace unlearn::train {
namespace {

using model::Recompute;

// A CUDA context with cuBLAS workspaces.
constexpr int64_t kDeviceContext = int64_t{800} << 20;
// What the process takes beyond what it holds when the plan is made: code that is touched later,
// threads, buffers of the matrix libraries. Tensors come from an arena that holds no more than they
// take.
constexpr int64_t kHostSlack = int64_t{40} << 20;
// bf16 matrix products on the CPU: the compiled ones that bound_matrix_kernels() lets stay.
constexpr int64_t kBf16Slack = int64_t{88} << 20;
// Steps beyond this many are not looked at; by then the largest micro-batch has been seen.
constexpr int64_t kStepsMeasured = 2000;

struct Modes {
  Master master;
  int64_t state_bits;
  Recompute recompute;
  GradientSum gradient_sum;
};

// Micro-batches of a step from which on bf16 gradients are added up in fp32 if nothing else is
// said.
constexpr int64_t kWideSumFrom = 4;

// A process's share of what all keep, of which one tensor's is `largest`.
int64_t share_of(int64_t bytes, int64_t largest, ShardRule rule, int64_t processes) {
  const int64_t even = (bytes + processes - 1) / processes;
  return rule == ShardRule::kTensors ? std::max(even, largest) : even;
}

// What the optimizer and the update rule keep.
void add_state(const MemoryShape& shape, const TrainConfig& asked, MemoryPlan& plan) {
  TrainConfig config = asked;
  config.master = plan.master;
  config.state_bits = plan.state_bits;
  const auto optimizer = make_chosen(optimizers(), config.optimizer);
  const auto update = make_chosen(updates(), config.update);
  const OptimizerOptions options = optimizer_options(config, *optimizer);
  int64_t largest_state = 0, largest_update = 0;
  for (const auto& [name, sizes] : shape.model.trained) {
    const int64_t state = optimizer->state_bytes(sizes, shape.dtype, options);
    const int64_t kept = update->kept_bytes(c10::multiply_integers(sizes), shape.dtype);
    plan.state += state;
    plan.update += kept;
    largest_state = std::max(largest_state, state);
    largest_update = std::max(largest_update, kept);
  }
  const ShardRule rule = optimizer->shards();
  plan.state = share_of(plan.state, largest_state, rule, shape.processes);
  plan.update = share_of(plan.update, largest_update, rule, shape.processes);
}

// Bytes of logits alive at a time: what the forward pass keeps of label rows and of rows whose
// whole distribution is compared, and the chunk that is being worked on.
struct LogitsBytes {
  int64_t labels = 0;
  int64_t rows = 0;
  int64_t chunk = 0;
};

LogitsBytes logits_bytes(const MemoryShape& shape) {
  const auto options = scoring::LogitsOptions::of(shape.on_cpu ? torch::kCPU : torch::kCUDA);
  const int64_t wide = shape.dtype == torch::kFloat64 ? 8 : 4;
  const int64_t row = shape.model.dims.vocab_size * wide;
  LogitsBytes bytes;
  bytes.labels = std::min(shape.label_rows * row, options.store_bytes);
  bytes.rows = std::min(shape.kl_rows * row, options.store_bytes);
  if (shape.kl_rows > 0) bytes.chunk = std::min(shape.kl_rows * row, options.chunk_bytes / 2);
  const auto is_cut = [&](int64_t rows) { return rows * row > options.store_bytes; };
  // The rows that are not kept: the policy's and the reference's.
  if (is_cut(shape.kl_rows)) bytes.chunk *= 2;
  if (is_cut(shape.label_rows)) bytes.chunk = std::max(bytes.chunk, options.chunk_bytes);
  // Narrower models get their logits' gradients narrowed by the chunk.
  if (shape.dtype == torch::kBFloat16) {
    bytes.chunk += std::min(std::max(bytes.labels, bytes.rows), options.chunk_bytes) / 2;
  }
  return bytes;
}

// The most that activations, logits and gradients take together: when a backward pass begins (all
// activations, the head's gradient, those of the micro-batches `before`), or when it ends (all
// gradients, the first block's activations). Between the two, one gives way to the other.
int64_t working_bytes(const MemoryShape& shape, MemoryPlan& plan, Recompute recompute,
                      int64_t before) {
  const auto element = static_cast<int64_t>(torch::elementSize(shape.dtype));
  const model::ModelFootprint& model = shape.model;
  const int64_t table = model.dims.vocab_size * model.dims.hidden_size * element;
  const int64_t head = model.trains_head ? table : 0;
  const int64_t stream = shape.tokens * model.dims.hidden_size * element;
  // The block in work holds the gradients of its intermediate values besides, and those of the
  // residual path.
  const int64_t in_work =
      shape.tokens * model.work.token + shape.longest_pairs * model.work.pair + 2 * stream;
  // A packed matrix in use.
  const int64_t unpacked = model.unpacked * element;
  const auto bytes_of = [&](const model::Kept& kept) {
    return shape.tokens * kept.token + shape.pairs * kept.pair;
  };
  plan.activations = bytes_of(model.kept(recompute)) + 2 * stream;
  const LogitsBytes logits = logits_bytes(shape);
  plan.logits = logits.labels + logits.rows + logits.chunk;
  // The two parts of the logits give their memory back one after the other, each for a gradient of
  // the head that is added to the one before.
  const int64_t begin = std::max(
      {plan.logits + head, logits.rows + logits.chunk + 2 * head, in_work + head + unpacked});
  // A tied table's gradient from the head and its sum with that of the rows that were read.
  const int64_t embedding = model.dims.tied_embeddings ? head : 0;
  const int64_t end =
      plan.gradients + bytes_of(model.block) + in_work + std::max(embedding, unpacked);
  return std::max(before + plan.activations + begin, end);
}

MemoryPlan predict(const MemoryShape& shape, const TrainConfig& config, const Modes& modes) {
  const auto element = static_cast<int64_t>(torch::elementSize(shape.dtype));
  MemoryPlan plan;
  plan.master = modes.master;
  plan.state_bits = modes.state_bits;
  plan.recompute = modes.recompute;
  plan.gradient_sum = modes.gradient_sum;
  plan.parameters = shape.model.parameter_count;
  plan.trained = shape.model.trained_count();
  plan.weights = (plan.trained + shape.model.frozen) * element + shape.model.packed_bytes;
  int64_t largest = 0;
  for (const auto& [name, sizes] : shape.model.trained) {
    largest = std::max(largest, c10::multiply_integers(sizes) * element);
  }
  add_state(shape, config, plan);
  plan.gradients = config.free_gradients ? largest : plan.trained * element;
  // The sums, and the gradient that is added to one of them.
  if (modes.gradient_sum == GradientSum::kFloat32) {
    plan.gradients = plan.trained * int64_t{sizeof(float)} + largest;
  }
  // From the second micro-batch on, the gradients so far are there from the start.
  const bool adds_up = shape.micro_batches > 1 && !config.free_gradients;
  const int64_t working = working_bytes(shape, plan, modes.recompute, adds_up ? plan.gradients : 0);
  plan.reference = shape.reference_bytes;
  plan.program = kDeviceContext;
  if (shape.on_cpu) {
    plan.program = std::max<int64_t>(0, resident_bytes() - shape.loaded_bytes) + kHostSlack;
    plan.copies = shape.copies * plan.trained * element;
  }
  if (shape.on_cpu && shape.dtype == torch::kBFloat16) plan.program += kBf16Slack;
  plan.peak = plan.weights + plan.state + plan.update + plan.reference + plan.copies +
              plan.program + working;
  return plan;
}

}  // namespace

void measure_steps(const TrainerInputs& inputs, torch::Device device, MemoryShape& shape) {
  const losses::Needs needs = inputs.loss->needs();
  shape.model.train_only(needs.trainable);
  const auto has_rows = [&](data::Role role) {
    const auto& request = role == data::Role::kForget ? needs.forget_rows : needs.retain_rows;
    return role != data::Role::kAlternate && request.function != nullptr;
  };
  // Terms that are run apart never lie in one micro-batch, and their gradients add up.
  const bool is_apart = make_chosen(updates(), inputs.config.update)->needs().several_passes;
  const std::vector<Terms> passes =
      is_apart ? std::vector{Terms::kForget, Terms::kRetain} : std::vector{Terms::kAll};
  const auto measure = [&](const MicroBatch& items) {
    for (const Terms terms : passes) {
      int64_t tokens = 0, pairs = 0, labels = 0, rows = 0;
      for (const data::PackItem& item : items) {
        if (!belongs_to(item.role, terms)) continue;
        const auto inputs_of_item = static_cast<int64_t>(item.example->tokens.size()) - 1;
        tokens += inputs_of_item;
        pairs += inputs_of_item * inputs_of_item;
        shape.longest_pairs = std::max(shape.longest_pairs, inputs_of_item * inputs_of_item);
        labels += item.example->num_labels;
        if (has_rows(item.role)) rows += inputs_of_item;
      }
      shape.tokens = std::max(shape.tokens, tokens);
      shape.pairs = std::max(shape.pairs, pairs);
      shape.label_rows = std::max(shape.label_rows, labels);
      shape.kl_rows = std::max(shape.kl_rows, rows);
    }
  };
  for_each_step(inputs, device, shape.processes, kStepsMeasured, [&](const StepCut& cut) {
    check_shares(inputs.config, cut);
    for (int64_t r = 0; r < shape.processes; ++r) {
      const auto batches = static_cast<int64_t>(cut.end_of(r) - cut.begin_of(r));
      shape.micro_batches =
          std::max(shape.micro_batches, batches * static_cast<int64_t>(passes.size()));
    }
    for (const MicroBatch& items : cut.micro_batches) measure(items);
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
  if (config.free_gradients) check_not_cut(shape.micro_batches);
  const auto choices = [](const auto& asked, const auto& when_unset) {
    return asked ? std::decay_t<decltype(when_unset)>{*asked} : when_unset;
  };
  const OptimizerModes modes = make_chosen(optimizers(), config.optimizer)->modes();
  const Master master = config.master.value_or(modes.masters.front());
  std::vector<int64_t> widths;  // that `auto` may mean
  for (const int64_t bits : {32, 8}) {
    const auto& known = modes.state_bits;
    if (std::find(known.begin(), known.end(), bits) != known.end()) widths.push_back(bits);
  }
  const std::vector<Recompute> recomputes = {Recompute::kNone, Recompute::kSelective,
                                             Recompute::kFull};
  std::vector<GradientSum> sums = {GradientSum::kModel};
  if (shape.dtype == torch::kBFloat16 && shape.micro_batches > 1 && !config.free_gradients) {
    if (shape.micro_batches >= kWideSumFrom) sums.insert(sums.begin(), GradientSum::kFloat32);
    sums = choices(config.gradient_sum, sums);
  }
  MemoryPlan smallest;
  for (const int64_t bits : choices(config.state_bits, widths)) {
    for (const GradientSum sum : sums) {
      for (const Recompute recompute : choices(config.recompute, recomputes)) {
        const MemoryPlan plan = predict(shape, config, {master, bits, recompute, sum});
        if (plan.peak <= available) return plan;
        if (smallest.peak == 0 || plan.peak < smallest.peak) smallest = plan;
      }
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
