#include "unlearn/train/update_rule.h"

#include <cmath>

#include "train/gradient_exchange.h"
#include "unlearn/core/error.h"
#include "unlearn/losses/loss.h"
#include "unlearn/train/train_config.h"

namespace unlearn::train {

StepWeights::StepWeights(const Optimizer& optimizer, GradientExchange* exchange,
                         const distributed::Group& group, int64_t step)
    : optimizer_(optimizer), exchange_(exchange), group_(group), step_(step) {}

void StepWeights::begin_sum() {
  if (exchange_ != nullptr) exchange_->begin_sum();
}

void StepWeights::send_rest() {
  if (exchange_ != nullptr) exchange_->send_rest();
}

void StepWeights::sum_gradients() const {
  if (exchange_ != nullptr) exchange_->sum_gradients();
}

void StepWeights::sum_gradients_so_far() const {
  if (exchange_ == nullptr) return;
  exchange_->sum_gradients();
  exchange_->clear_others();
}

double StepWeights::gradient_norm() const {
  const auto own = parameters().gradient_norm().item<double>();
  return group_.size() == 1 ? own : std::sqrt(group_.all_reduce(own * own));
}

torch::Tensor StepWeights::master(size_t parameter, int64_t begin, int64_t size) const {
  return optimizer_.master(parameter, begin, size);
}

void StepWeights::share() const {
  if (exchange_ != nullptr) exchange_->share_weights();
}

void check_update(const TrainConfig& config, const losses::Loss& loss) {
  const std::string& name = config.update.name;
  const UpdateNeeds needs = make_chosen(updates(), config.update)->needs();
  bool has_forget = false, has_retain = false;
  for (const losses::Term& term : loss.terms()) {
    (term.role == data::Role::kRetain ? has_retain : has_forget) = true;
  }
  if (needs.forget && !has_forget) {
    user_error("train.update: ", name,
               " needs a forget term, and the method has none as configured");
  }
  if (needs.retain && !has_retain) {
    user_error("train.update: ", name,
               " needs a retain term, and the method has none as configured "
               "(method.retain_loss, method.retain_weight)");
  }
  if (!needs.several_passes) return;
  if (config.free_gradients) {
    user_error("train.update: ", name,
               " makes a step's gradient in several passes, which train.free_gradients cannot: "
               "a freed gradient cannot be added to; unset one of them");
  }
  const losses::Needs asked = loss.needs();
  if (config.averaging == Averaging::kMicroBatchMean &&
      (asked.is_sequential || asked.epoch_means)) {
    user_error("train.update: ", name,
               " runs the terms one after the other, but with train.averaging: micro_batch_mean "
               "the method's terms change between micro-batches; use averaging: exact");
  }
}

}  // namespace unlearn::train
