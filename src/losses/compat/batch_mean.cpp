#include "losses/compat/batch_mean.h"

#include <cmath>

namespace unlearn::losses {

torch::Tensor batch_mean_sum(const torch::Tensor& values, const BatchMean& form) {
  const auto count = static_cast<double>(values.numel());
  if (values.numel() == 0) return values.sum();
  if (!form.step_mean) {
    const torch::Tensor argument = values.mean() * -form.beta - form.margin;
    return torch::log_sigmoid(argument) * (-2.0 / form.beta * count);
  }
  // The function's value and slope at the step's mean are numbers here.
  const double argument = -form.beta * *form.step_mean - form.margin;
  const double softplus = std::max(-argument, 0.0) + std::log1p(std::exp(-std::abs(argument)));
  const double slope = 2.0 / (1.0 + std::exp(argument));
  return (values - values.detach()).sum() * slope + 2.0 / form.beta * softplus * count;
}

Quirk batch_mean_quirk(bool* on) {
  return {"wmdp_batch_mean",
          "Unlearn-Simple's WMDP code: one loss of the batch's token mean, not of each sequence",
          on};
}

Statistic batch_mean_statistic(const torch::Tensor& values) {
  return {"batch_mean", values.detach().sum().item<double>(), static_cast<double>(values.numel())};
}

}  // namespace unlearn::losses
