// Membership inference on unlearned models beyond plain AUCs: over-unlearning, and attacks that
// compare with a population or with reference models. AUCs are OpenUnlearning's (auc.h): towards 1
// the forget texts are known, 0.5 is chance, below it they are avoided.
#pragma once

#include <optional>
#include <span>
#include <string>

namespace unlearn::metrics::audit {

// clip(1 - |AUC_U - AUC_R| / AUC_R, 0, 1): how near the unlearned model is to the retrained one
// (Unlearning Depth Score's repository). None when AUC_R is 0.
std::optional<double> membership_likeness(double auc, double retain_auc);

// Avoided texts stand out as well as known ones: the reversed score finds them.
struct OverUnlearning {
  bool is_over = false;       // AUC below AUC_R - 0.1, or below 0.4 without R
  double distinguishing = 0;  // max(AUC, 1 - AUC)
  std::string sentence;       // "" unless is_over
};
OverUnlearning over_unlearning(double auc, std::optional<double> retain_auc);

// RMIA (arXiv 2312.03262): the share of population texts z with (p(x)/p_ref(x)) / (p(z)/p_ref(z))
// >= gamma. `ratio` is p(x)/p_ref(x) with p = exp(-mean loss), `population` the same of every z.
// None without population.
std::optional<double> rmia(double ratio, std::span<const double> population, double gamma = 1);

// Offline LiRA (arXiv 2112.03570): Phi((mean_out - loss) / std_out) over the losses under reference
// models that never saw the text (standard deviation with ddof 1). None with fewer than four, and
// where they are all alike.
std::optional<double> offline_lira(double loss, std::span<const double> losses_out);

}  // namespace unlearn::metrics::audit
