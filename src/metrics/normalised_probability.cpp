#include <cmath>

#include "unlearn/metrics/registry.h"
#include "unlearn/metrics/tofu.h"

namespace unlearn::metrics {

double normalised_probability(double mean_loss, std::span<const double> perturbed_losses,
                              Formula formula) {
  const double p = std::exp(-mean_loss);
  double sum = 0;
  for (const double loss : perturbed_losses) sum += std::exp(-loss);
  return p / (p + sum + (formula == Formula::kOpenUnlearning ? 1e-10 : 0.0));
}

Metric make_normalised_probability() {
  return {"normalised_probability",
          "probability of the true answer among the true and the false ones",
          {"ra_Q_A_Prob_normalised", "wf_Q_A_Prob_normalised"},
          {Need::kAnswerLoss, Need::kPerturbedLoss}};
}

}  // namespace unlearn::metrics
