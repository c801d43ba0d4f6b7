// Gradient rectified unlearning (Wang et al., arXiv 2503.09117): a running mean of the retain
// gradient, m <- a g_r + (1 - a) m from m = 0, is kept, and a gradient that points against it loses
// its part along it: where <g, m> < 0, g <- g - (<g, m>/<m, m>) m. m itself is never projected.
// Products in fp64, over all trained parameters together.
#include <cmath>

#include "train/update/elements.h"
#include "train/update/updates.h"

namespace unlearn::train {
namespace {

constexpr double kLowestCosine = -0.5;  // the published cos_clip

constexpr config::Named<Terms> kGruObjectives[] = {{Terms::kAll, "all"},
                                                   {Terms::kForget, "forget"}};

class Gru : public UpdateRule {
 public:
  void visit(config::FieldVisitor& visitor) override {
    visitor.field("smoothing", smoothing_,
                  {.help = "a of m = a g_r + (1 - a) m, the mean of the retain gradients",
                   .min = 0,
                   .max = 1,
                   .exclusive_min = true});
    visitor.field(
        "objective", objective_, kGruObjectives,
        {.help = "the gradient that is projected: the whole loss's, or the forget terms'"});
    visitor.field(
        "added_retain", added_,
        {.help = "this many times the retain gradient is added after the projection", .min = 0});
    visitor.field("cos_clip", cos_clip_, {.help = "a cosine of g and m below -0.5 counts as -0.5"});
  }
  UpdateNeeds needs() const override {
    return {.several_passes = true, .forget = true, .retain = true};
  }
  // m, and the retain gradient where it is added again.
  int64_t kept_bytes(int64_t elements, torch::Dtype dtype) const override {
    return (added_ > 0 ? 2 : 1) * elements * static_cast<int64_t>(torch::elementSize(dtype));
  }

  void start(const ShardedParameters& parameters, uint64_t) override {
    parameters_ = &parameters;
    mean_.assign(parameters.size(), {});
    for (size_t i = 0; i < mean_.size(); ++i) {
      if (const torch::Tensor own = parameters.own_weight(i); own.defined()) {
        mean_[i] = torch::zeros_like(own);
      }
    }
  }

  void make_gradient(StepLoss& loss, StepWeights& weights) override {
    const ShardedParameters& parameters = weights.parameters();
    loss.add_gradient({.terms = Terms::kRetain, .coefficients = Coefficients::kLeftOut});
    weights.sum_gradients_so_far();
    std::vector<torch::Tensor> retain(parameters.size());
    for (size_t i = 0; i < mean_.size(); ++i) {
      const torch::Tensor gradient = parameters.own_gradient(i);
      if (!mean_[i].defined()) continue;
      mean_[i].mul_(1 - smoothing_);
      if (!gradient.defined()) continue;
      mean_[i].add_(gradient, smoothing_);
      if (added_ > 0) retain[i] = gradient.clone();
      if (objective_ == Terms::kAll) gradient.mul_(loss.retain_weight());
    }
    if (objective_ == Terms::kForget) weights.clear_gradients();
    loss.add_gradient({.terms = Terms::kForget});
    weights.sum_gradients();
    project(weights);
    for (size_t i = 0; i < retain.size(); ++i) {
      if (retain[i].defined()) own_gradient(weights, i).add_(retain[i], added_);
    }
  }

  std::vector<StatePart> state() const override {
    std::vector<StatePart> parts;
    for (size_t i = 0; i < mean_.size(); ++i) {
      const auto& [name, whole] = parameters_->all()[i];
      parts.push_back({.name = "retain_mean." + name,
                       .parameter = i,
                       .sizes = whole.sizes().vec(),
                       .dtype = whole.scalar_type(),
                       .own = mean_[i]});
    }
    return parts;
  }

 private:
  // Zeros where no term reached the parameter.
  static torch::Tensor own_gradient(const StepWeights& weights, size_t i) {
    const torch::Tensor& whole = weights.parameters().all()[i].second;
    if (!whole.grad().defined()) whole.mutable_grad() = torch::zeros_like(whole.detach());
    return weights.parameters().own_gradient(i);
  }

  void project(const StepWeights& weights) const {
    const auto wide = torch::dtype(torch::kDouble).device(weights.parameters().device());
    torch::Tensor products = torch::zeros({3}, wide);  // <g, m>, <m, m>, <g, g>
    for (size_t i = 0; i < mean_.size(); ++i) {
      if (!mean_[i].defined()) continue;
      products[1] += inner_product(mean_[i], mean_[i]);
      const torch::Tensor gradient = weights.parameters().own_gradient(i);
      if (!gradient.defined()) continue;
      products[0] += inner_product(gradient, mean_[i]);
      products[2] += inner_product(gradient, gradient);
    }
    const torch::Tensor own = products.to(torch::kCPU);
    const std::vector<double> sums =
        weights.sum(std::vector<double>(own.data_ptr<double>(), own.data_ptr<double>() + 3));
    if (!(sums[0] < 0)) return;
    double factor = sums[0] / sums[1];
    if (cos_clip_) factor = std::max(factor, kLowestCosine * std::sqrt(sums[2] / sums[1]));
    for (size_t i = 0; i < mean_.size(); ++i) {
      if (mean_[i].defined()) own_gradient(weights, i).add_(mean_[i], -factor);
    }
  }

  double smoothing_ = 0.8;
  Terms objective_ = Terms::kAll;
  double added_ = 0.0;
  bool cos_clip_ = false;
  const ShardedParameters* parameters_ = nullptr;
  std::vector<torch::Tensor> mean_;  // own elements of m
};

std::unique_ptr<UpdateRule> make_gru() { return std::make_unique<Gru>(); }

}  // namespace

Registered<UpdateRule> update_gru() {
  return {"gru", "projects the gradient where it points against the mean retain gradient",
          make_gru};
}

}  // namespace unlearn::train
