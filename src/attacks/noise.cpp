// Noise: every matrix w becomes w + sigma std(w) N(0, 1). Knowledge that a small push brings back
// was held down by a narrow change of the weights.
#include <ATen/CPUGeneratorImpl.h>

#include "attacks/matrices.h"
#include "unlearn/core/mix_bits.h"
#include "unlearn/core/strings.h"

namespace unlearn::attacks {
namespace {

void add_noise(model::CausalLM& model, double sigma, uint64_t seed) {
  const torch::NoGradGuard no_grad;
  uint64_t index = 0;
  for (torch::Tensor& matrix : matrices_of(model)) {
    const auto generator = at::detail::createCPUGenerator(mix_bits(seed, ++index));
    const torch::Tensor values = matrix.to(torch::kCPU, torch::kFloat);
    const double deviation = values.std(/*unbiased=*/false).item<double>();
    const torch::Tensor noise = torch::randn(values.sizes(), generator, values.options());
    matrix.copy_(values + noise * (sigma * deviation));
  }
}

class Noise : public Attack {
 public:
  void visit(config::FieldVisitor& v) override {
    v.field("sigmas", sigmas_,
            {.help = "standard deviations of the noise, in those of the matrix"});
    v.field("seeds", seeds_, {.help = "draws of the noise", .min = 1});
  }

  std::vector<AttackedModel> attack(const Material& material) const override {
    std::vector<AttackedModel> ways;
    for (const double sigma : numbers_of(sigmas_, "audit.noise.sigmas")) {
      AttackedModel& way = ways.emplace_back(AttackedModel{.id = cat("noise-", number(sigma, 4))});
      way.settings = {{"sigma", sigma}, {"matrices", "all"}};
      way.seeds = material.quick ? 1 : seeds_;
      way.change_weights = [sigma](Subject& subject) {
        add_noise(subject.model, sigma, subject.seed);
        subject.measure(0, /*is_result=*/true);
      };
      if (material.quick) break;
    }
    return ways;
  }

 private:
  std::vector<std::string> sigmas_ = {"0.05", "0.01", "0.02"};  // the strongest first
  int64_t seeds_ = 5;
};

}  // namespace

RegisteredAttack attack_noise() {
  return {"noise", "weights", "Gaussian noise on every matrix", "own protocol",
          []() -> std::unique_ptr<Attack> { return std::make_unique<Noise>(); }};
}

}  // namespace unlearn::attacks
