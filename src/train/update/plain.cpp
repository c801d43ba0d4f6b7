// The gradient of the loss as it stands, in one pass.
#include "train/update/updates.h"

namespace unlearn::train {
namespace {

class PlainUpdate : public UpdateRule {
 public:
  void make_gradient(StepLoss& loss, StepWeights& weights) override {
    loss.add_gradient({.summed_by = &weights});
    weights.sum_gradients();
  }
};

std::unique_ptr<UpdateRule> make_plain() { return std::make_unique<PlainUpdate>(); }

}  // namespace

Registered<UpdateRule> update_plain() {
  return {"plain", "the gradient of the loss as it stands", make_plain};
}

}  // namespace unlearn::train
