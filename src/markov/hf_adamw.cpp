#include "unlearn/markov/hf_adamw.h"

#include <cmath>

namespace unlearn::markov {
namespace {

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr double kEpsilon = 1e-6;

}  // namespace

HfAdamW::HfAdamW(std::vector<torch::Tensor> parameters, double lr)
    : parameters_(std::move(parameters)), lr_(lr) {
  for (const torch::Tensor& parameter : parameters_) {
    first_.push_back(torch::zeros_like(parameter));
    second_.push_back(torch::zeros_like(parameter));
  }
}

// ATen's kernel divides sqrt(v) by sqrt(1 - beta2^t) before it adds its epsilon; multiplying
// numerator and denominator by that root shows that this variant is the same with the epsilon
// divided by it.
void HfAdamW::step() {
  const torch::NoGradGuard no_grad;
  ++steps_;
  const double epsilon = kEpsilon / std::sqrt(1.0 - std::pow(kBeta2, static_cast<double>(steps_)));
  std::vector<torch::Tensor> weights, gradients, first, second, steps;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!parameters_[i].grad().defined()) continue;
    weights.push_back(parameters_[i]);
    gradients.push_back(parameters_[i].grad());
    first.push_back(first_[i]);
    second.push_back(second_[i]);
    steps.push_back(torch::full({}, static_cast<double>(steps_), torch::kFloat));
  }
  at::_fused_adamw_(weights, gradients, first, second, {}, steps, lr_, kBeta1, kBeta2,
                    /*weight_decay=*/0.0, epsilon, /*amsgrad=*/false, /*maximize=*/false);
  for (torch::Tensor& parameter : parameters_) parameter.mutable_grad() = torch::Tensor();
}

}  // namespace unlearn::markov
