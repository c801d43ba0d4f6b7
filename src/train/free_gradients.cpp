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
  // Of the gradients of this pass as they came, in fp64 where the parameters are: read at its end,
  // so that no gradient is waited for.
  std::vector<torch::Tensor> norms;
  std::vector<size_t> parameters;
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
    const torch::Tensor norm =
        at::norm(dense_gradient(parameter), 2, dtype).to(torch::kDouble, /*non_blocking=*/true);
    shared.norms.push_back(norm);
    shared.parameters.push_back(index_);
    // 1, or NaN where the norm is not finite: nothing is changed then.
    shared.optimizer->update({index_}, shared.lr, norm - norm + 1.0);
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
  shared_->norms.clear();
  shared_->parameters.clear();
  shared_->is_armed = true;
}

FreeGradients::Result FreeGradients::end_step() {
  shared_->is_armed = false;
  Result result;
  if (shared_->norms.empty()) return result;
  const torch::Tensor norms = torch::stack(shared_->norms).to(torch::kCPU);
  double squares = 0;
  for (size_t i = 0; i < shared_->parameters.size(); ++i) {
    const double norm = norms.const_data_ptr<double>()[i];
    squares += norm * norm;
    if (!std::isfinite(norm) && result.first_nonfinite.empty()) {
      result.first_nonfinite = shared_->optimizer->parameters().all()[shared_->parameters[i]].first;
    }
  }
  result.gradient_norm = std::sqrt(squares);
  return result;
}

}  // namespace unlearn::train
