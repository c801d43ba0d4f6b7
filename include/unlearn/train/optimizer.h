// What turns a step's gradient into new weights. Every optimizer is one file in src/train/optim/
// and one line in optimizers.def; nothing outside its file knows its name.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/config/fields.h"
#include "unlearn/runtime/adamw.h"
#include "unlearn/train/choice.h"
#include "unlearn/train/sharded_parameters.h"

namespace unlearn::train {

struct TrainConfig;  // train_config.h

using kernels::Master;

// What every optimizer is given.
struct OptimizerOptions {
  double weight_decay = 0.01;
  Master master = Master::kSplit;  // of bfloat16 parameters; wider ones are their own master
  int64_t state_bits = 32;
  uint64_t seed = 0;  // of stochastic rounding, a function of (seed, step, element)
};

// The values of train.master and train.state_bits that an optimizer has. `auto` means the first
// master, and the widest of 32 and 8 bits that fits.
struct OptimizerModes {
  std::vector<Master> masters = {Master::kRounded};
  std::vector<int64_t> state_bits = {32};
};

// State belongs to the shards that this process owns; parameters and gradients stay where they are:
// autograd hands a finished gradient buffer over without a copy, which a gradient arena would add a
// pass to.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // Its own settings, which stand directly below `train.` ("beta1").
  virtual void visit(config::FieldVisitor&) {}
  // Checks that need more than one field; UserError "train.…".
  virtual void check() const {}
  virtual ShardRule shards() const { return ShardRule::kBlocks; }
  virtual OptimizerModes modes() const { return {}; }
  // Bytes kept for one tensor by all processes together (for memory plans, before there are
  // weights).
  virtual int64_t state_bytes(torch::IntArrayRef sizes, torch::Dtype dtype,
                              const OptimizerOptions& options) const = 0;

  // Takes the parameters, cut by its rule, and makes its state. `is_decayed` says by name which
  // parameters weight decay applies to.
  void start(ShardedParameters parameters, const OptimizerOptions& options,
             const std::function<bool(const std::string&)>& is_decayed);

  // One update with gradients multiplied by `scale` (the clip coefficient): a number in fp64 where
  // the parameters are, so that nothing waits for it. Where it is not finite nothing changes.
  void step(double lr, const torch::Tensor& scale);
  void step(double lr, double scale);
  // The same in parts: counts the step, then updates single parameters as their gradients come.
  void begin_step() { ++steps_; }
  void update(const std::vector<size_t>& indices, double lr, const torch::Tensor& scale) {
    run(indices, lr, scale);
  }

  // fp32 (or wider) values of own elements [begin, begin + size) of a parameter, flat.
  virtual torch::Tensor master(size_t index, int64_t begin, int64_t size) const;

  int64_t steps_done() const { return steps_; }
  const ShardedParameters& parameters() const { return *parameters_; }
  // What it keeps between steps, beside their number.
  virtual std::vector<StatePart> state() const = 0;
  // UserError when the state does not fit the parameters.
  void load_state(const std::function<torch::Tensor(const std::string&)>& find, int64_t steps);
  // Bytes of the state held here.
  int64_t state_bytes() const;

 protected:
  // After parameters and options are set.
  virtual void allocate() = 0;
  // Updates these parameters' own elements; those without a gradient stay as they are.
  virtual void run(const std::vector<size_t>& indices, double lr, const torch::Tensor& scale) = 0;

  const OptimizerOptions& options() const { return options_; }
  // lr * weight_decay, or 0 for a parameter that is not decayed.
  double decay(size_t index, double lr) const {
    return decayed_[index] ? lr * options_.weight_decay : 0.0;
  }

 private:
  std::optional<ShardedParameters> parameters_;
  OptimizerOptions options_;
  std::vector<bool> decayed_;
  int64_t steps_ = 0;
};

// What the config sets for an optimizer. Modes that it leaves open are the optimizer's first ones.
OptimizerOptions optimizer_options(const TrainConfig& config, const Optimizer& optimizer);

const std::vector<Registered<Optimizer>>& optimizers();

}  // namespace unlearn::train
