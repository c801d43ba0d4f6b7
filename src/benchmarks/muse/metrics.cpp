// What a MUSE evaluation reports.
#include "benchmarks/muse/module.h"
#include "unlearn/metrics/registry.h"

namespace unlearn::benchmarks::muse {

using metrics::Need;

eval::MetricOffer offer(const eval::EvalConfig& config) {
  eval::MetricOffer offer = {
      .own = {{"verbmem",
               "ROUGE-L F1 of greedy continuations of the forget texts (MUSE)",
               {"forget_verbmem_ROUGE"},
               {Need::kGeneration}},
              {"knowmem",
               "ROUGE-L F1 of answers to questions about the texts, after a few examples (MUSE)",
               {"forget_knowmem_ROUGE", "retain_knowmem_ROUGE"},
               {Need::kGeneration}}},
      .provides = {}};
  if (config.suite == eval::MuseSuite::kOpenUnlearning) {
    offer.provides = {Need::kAnswerLoss, Need::kArgmax,  Need::kTokenLogp, Need::kTokenMoments,
                      Need::kGradient,   Need::kHoldout, Need::kRetainLog};
  } else {
    offer.own.push_back(*metrics::find_metric("privleak"));  // by attack values of its own
  }
  return offer;
}

}  // namespace unlearn::benchmarks::muse
