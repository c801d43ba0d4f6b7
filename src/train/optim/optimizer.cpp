#include "unlearn/train/optimizer.h"

#include <numeric>

#include "unlearn/core/error.h"
#include "unlearn/train/train_config.h"

namespace unlearn::train {

void Optimizer::start(ShardedParameters parameters, const OptimizerOptions& options,
                      const std::function<bool(const std::string&)>& is_decayed) {
  parameters_ = std::move(parameters);
  options_ = options;
  decayed_.clear();
  for (const auto& [name, parameter] : parameters_->all()) decayed_.push_back(is_decayed(name));
  steps_ = 0;
  allocate();
}

void Optimizer::step(double lr, const torch::Tensor& scale) {
  begin_step();
  std::vector<size_t> all(parameters().size());
  std::iota(all.begin(), all.end(), size_t{0});
  run(all, lr, scale);
}

void Optimizer::step(double lr, double scale) {
  step(lr, torch::full({}, scale, torch::dtype(torch::kDouble).device(parameters().device())));
}

torch::Tensor Optimizer::master(size_t index, int64_t begin, int64_t size) const {
  const torch::Tensor own = parameters().own_weight(index).view({-1}).narrow(0, begin, size);
  return own.scalar_type() == torch::kDouble ? own : own.to(torch::kFloat);
}

void Optimizer::load_state(const std::function<torch::Tensor(const std::string&)>& find,
                           int64_t steps) {
  load_parts(state(), parameters(), find);
  steps_ = steps;
}

int64_t Optimizer::state_bytes() const {
  int64_t bytes = 0;
  for (const StatePart& part : state()) {
    if (part.own.defined()) bytes += static_cast<int64_t>(part.own.nbytes());
  }
  return bytes;
}

OptimizerOptions optimizer_options(const TrainConfig& config, const Optimizer& optimizer) {
  const OptimizerModes modes = optimizer.modes();
  return {.weight_decay = config.weight_decay,
          .master = config.master.value_or(modes.masters.front()),
          .state_bits = config.state_bits.value_or(modes.state_bits.front()),
          .seed = static_cast<uint64_t>(config.seed)};
}

}  // namespace unlearn::train
