#include <map>

#include "unlearn/metrics/registry.h"

namespace unlearn::metrics {
namespace {

struct Constants {
  double news, books;
};

// swj0419/muse_bench, constants.py: AUC_RETRAIN, forget against holdout.
const std::map<std::string, Constants>& retrained_aucs() {
  static const std::map<std::string, Constants> table = {
      {"PPL", {0.4652, 0.4746}},       {"PPL/ref", {0.2755, 0.3403}},
      {"PPL/lower", {0.3542, 0.3957}}, {"PPL/zlib", {0.4328, 0.2773}},
      {"Min-5%", {0.5116, 0.5325}},    {"Min-10%", {0.5021, 0.5424}},
      {"Min-20%", {0.4931, 0.5582}},   {"Min-30%", {0.4840, 0.5570}},
      {"Min-40%", {0.4772, 0.5393}},   {"Min-50%", {0.4711, 0.5167}},
      {"Min-60%", {0.4671, 0.4841}}};
  return table;
}

}  // namespace

double privleak_open_unlearning(double auc, double retain_auc) {
  return ((1 - auc) - (1 - retain_auc)) / ((1 - retain_auc) + 1e-10) * 100;
}

double privleak_muse(double auc, double retrained_auc) {
  return (auc - retrained_auc) / retrained_auc * 100;
}

std::optional<double> muse_retrained_auc(const std::string& corpus, const std::string& type) {
  const auto found = retrained_aucs().find(type);
  if (found == retrained_aucs().end()) return std::nullopt;
  if (corpus == "news") return found->second.news;
  if (corpus == "books") return found->second.books;
  return std::nullopt;
}

Metric make_privleak() {
  return {"privleak",
          "Min-K% AUC between forget and holdout texts against the retrained model's, in percent",
          {"privleak"},
          {Need::kTokenLogp, Need::kHoldout, Need::kRetainLog}};
}

}  // namespace unlearn::metrics
