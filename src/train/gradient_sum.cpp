#include "train/gradient_sum.h"

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>

#include "unlearn/train/sharded_parameters.h"

namespace unlearn::train {

class GradientSums::Hook : public torch::autograd::PostAccumulateGradHook {
 public:
  explicit Hook(std::shared_ptr<torch::Tensor> sum) : sum_(std::move(sum)) {}

  void operator()(const torch::Tensor& parameter) override {
    const torch::NoGradGuard no_grad;
    const torch::Tensor gradient = dense_gradient(parameter);
    if (!gradient.defined()) return;
    if (sum_->defined()) {
      sum_->add_(gradient);
    } else {
      *sum_ = gradient.to(torch::kFloat);
    }
    parameter.mutable_grad() = torch::Tensor();
  }

 private:
  std::shared_ptr<torch::Tensor> sum_;
};

GradientSums::GradientSums(std::vector<torch::Tensor> parameters)
    : parameters_(std::move(parameters)) {
  std::erase_if(parameters_, [](const torch::Tensor& parameter) {
    return parameter.scalar_type() != torch::kBFloat16 || !parameter.requires_grad();
  });
  for (const torch::Tensor& parameter : parameters_) {
    sums_.push_back(std::make_shared<torch::Tensor>());
    auto hook = std::make_unique<Hook>(sums_.back());
    (*hook)(parameter);
    torch::autograd::impl::set_post_acc_grad_hooks(parameter, std::move(hook));
  }
}

GradientSums::~GradientSums() {
  for (const torch::Tensor& parameter : parameters_) {
    torch::autograd::impl::set_post_acc_grad_hooks(parameter, nullptr);
  }
}

void GradientSums::finish() {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!sums_[i]->defined()) continue;
    parameters_[i].mutable_grad() = sums_[i]->to(torch::kBFloat16);
    sums_[i]->reset();
  }
}

}  // namespace unlearn::train
