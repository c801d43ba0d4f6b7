#include "train/free_gradients.h"

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <cmath>
#include <mutex>

namespace unlearn::train {

void check_not_cut(int64_t micro_batches) {
  if (micro_batches <= 1) return;
  user_error("train.free_gradients: a step is cut into ", micro_batches,
             " micro-batches, but a freed gradient cannot be added to; raise or unset "
             "train.batch_tokens and train.micro_batch_size");
}

struct FreeGradients::Shared {
  Optimizer* optimizer = nullptr;
  bool is_armed = false;
  double lr = 0;
  std::mutex mutex;  // autograd may run hooks on a thread per device
  double squares = 0;
  std::string first_nonfinite;
};

class FreeGradients::Hook : public torch::autograd::PostAccumulateGradHook {
 public:
  Hook(std::shared_ptr<Shared> shared, size_t index) : shared_(std::move(shared)), index_(index) {}

  void operator()(const torch::Tensor& parameter) override {
    Shared& shared = *shared_;
    if (!shared.is_armed) return;
    const std::lock_guard lock(shared.mutex);
    const torch::NoGradGuard no_grad;
    const auto dtype = parameter.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
    const double norm = at::norm(dense_gradient(parameter), 2, dtype).item<double>();
    shared.squares += norm * norm;
    if (std::isfinite(norm)) {
      shared.optimizer->update(index_, shared.lr);
    } else if (shared.first_nonfinite.empty()) {
      shared.first_nonfinite = shared.optimizer->parameters().all()[index_].first;
    }
    parameter.mutable_grad() = torch::Tensor();
  }

 private:
  std::shared_ptr<Shared> shared_;
  size_t index_;
};

FreeGradients::FreeGradients(Optimizer& optimizer) : shared_(std::make_shared<Shared>()) {
  shared_->optimizer = &optimizer;
  const NamedTensors& parameters = optimizer.parameters().all();
  for (size_t i = 0; i < parameters.size(); ++i) {
    torch::autograd::impl::set_post_acc_grad_hooks(parameters[i].second,
                                                   std::make_unique<Hook>(shared_, i));
  }
}

FreeGradients::~FreeGradients() {
  for (const auto& [name, parameter] : shared_->optimizer->parameters().all()) {
    torch::autograd::impl::set_post_acc_grad_hooks(parameter, nullptr);
  }
}

void FreeGradients::begin_step(double lr) {
  shared_->optimizer->begin_step();
  shared_->lr = lr;
  shared_->squares = 0;
  shared_->first_nonfinite.clear();
  shared_->is_armed = true;
}

FreeGradients::Result FreeGradients::end_step() {
  shared_->is_armed = false;
  return {std::sqrt(shared_->squares), shared_->first_nonfinite};
}

}  // namespace unlearn::train
