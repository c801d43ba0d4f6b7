#include <cmath>

#include "unlearn/metrics/registry.h"
#include "unlearn/metrics/tofu.h"

namespace unlearn::metrics {

double answer_probability(double mean_loss) { return std::exp(-mean_loss); }

Metric make_probability() {
  return {"probability",
          "length-normalised probability of the answers, exp(-mean token loss)",
          {"forget_Q_A_Prob", "retain_Q_A_Prob", "ra_Q_A_Prob", "wf_Q_A_Prob",
           "forget_Q_A_PARA_Prob", "retain_Q_A_PARA_Prob", "forget_Q_A_PERT_Prob",
           "retain_Q_A_PERT_Prob", "ra_Q_A_PERT_Prob", "wf_Q_A_PERT_Prob"},
          {Need::kAnswerLoss}};
}

}  // namespace unlearn::metrics
