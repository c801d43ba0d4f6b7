// Sharpness-aware minimisation of the forget terms (Fan et al., arXiv 2502.05374): their gradient
// is taken at theta + rho g_f/|g_f|, that of the retain terms at theta. One norm over all trained
// parameters; the moved weights are round(master + delta), and theta comes back from a copy.
#include <cmath>

#include "train/update/elements.h"
#include "train/update/updates.h"
#include "unlearn/core/rng.h"

namespace unlearn::train {
namespace {

constexpr uint64_t kSamStream = 0x73616D;  // "sam"

enum class SamRounding : uint8_t { kNearest, kStochastic };
constexpr config::Named<SamRounding> kSamRoundings[] = {{SamRounding::kNearest, "nearest"},
                                                        {SamRounding::kStochastic, "stochastic"}};

class Sam : public UpdateRule {
 public:
  void visit(config::FieldVisitor& visitor) override {
    visitor.field(
        "rho", rho_,
        {.help = "length of the step to the moved weights, over all trained parameters", .min = 0});
    visitor.field("perturb_rounding", rounding_, kSamRoundings,
                  {.help = "how moved bfloat16 weights are rounded"});
  }
  UpdateNeeds needs() const override { return {.several_passes = true, .forget = true}; }
  // The copy of the weights.
  int64_t kept_bytes(int64_t elements, torch::Dtype dtype) const override {
    return elements * static_cast<int64_t>(torch::elementSize(dtype));
  }
  void start(const ShardedParameters&, uint64_t seed) override { seed_ = seed; }

  void make_gradient(StepLoss& loss, StepWeights& weights) override {
    loss.add_gradient({.terms = Terms::kForget});
    weights.sum_gradients_so_far();
    const double norm = weights.gradient_norm();
    // Without a direction the gradient is that of the weights as they are; the trainer reports one
    // that is not finite.
    if (std::isfinite(norm) && norm > 0) {
      const std::vector<torch::Tensor> before = move(weights, rho_ / norm);
      weights.clear_gradients();
      loss.add_gradient({.terms = Terms::kForget, .is_recorded = false});
      restore(weights, before);
    }
    if (loss.has(Terms::kRetain)) loss.add_gradient({.terms = Terms::kRetain});
    weights.sum_gradients();
  }

 private:
  // Adds scale times the gradient to the weights; returns the own weights as they were.
  std::vector<torch::Tensor> move(const StepWeights& weights, double scale) const {
    const torch::NoGradGuard no_grad;
    const ShardedParameters& parameters = weights.parameters();
    const uint64_t key = mix_bits(seed_, kSamStream, static_cast<uint64_t>(weights.step()));
    std::vector<torch::Tensor> before(parameters.size());
    for (size_t i = 0; i < parameters.size(); ++i) {
      const torch::Tensor weight = parameters.own_weight(i);
      const torch::Tensor gradient = parameters.own_gradient(i);
      if (!weight.defined() || !gradient.defined()) continue;
      before[i] = weight.clone();
      const int64_t first = parameters.index(i) + parameters.own(i).begin;
      const bool at_random =
          rounding_ == SamRounding::kStochastic && weight.scalar_type() == torch::kBFloat16;
      for_chunks(weight.numel(), [&](int64_t begin, int64_t size) {
        const torch::Tensor master = weights.master(i, begin, size);
        const torch::Tensor moved = torch::add(
            master, gradient.view({-1}).narrow(0, begin, size).to(master.scalar_type()), scale);
        weight.view({-1})
            .narrow(0, begin, size)
            .copy_(at_random ? round_at_random(moved, key, first + begin) : moved);
      });
    }
    weights.share();
    return before;
  }

  static void restore(const StepWeights& weights, const std::vector<torch::Tensor>& before) {
    const torch::NoGradGuard no_grad;
    for (size_t i = 0; i < before.size(); ++i) {
      if (before[i].defined()) weights.parameters().own_weight(i).copy_(before[i]);
    }
    weights.share();
  }

  double rho_ = 0.01;
  SamRounding rounding_ = SamRounding::kNearest;
  uint64_t seed_ = 0;
};

std::unique_ptr<UpdateRule> make_sam() { return std::make_unique<Sam>(); }

}  // namespace

Registered<UpdateRule> update_sam() {
  return {"sam", "sharpness-aware: the forget gradient at weights moved along itself", make_sam};
}

}  // namespace unlearn::train
