// What a TOFU evaluation reports.
#include "benchmarks/tofu/module.h"

namespace unlearn::benchmarks::tofu {

using metrics::Need;

eval::MetricOffer offer(const eval::EvalConfig&) {
  return {
      .own = {{"probability",
               "length-normalised probability of the answers, exp(-mean token loss)",
               {"forget_Q_A_Prob", "retain_Q_A_Prob", "ra_Q_A_Prob", "wf_Q_A_Prob",
                "forget_Q_A_PARA_Prob", "retain_Q_A_PARA_Prob", "forget_Q_A_PERT_Prob",
                "retain_Q_A_PERT_Prob", "ra_Q_A_PERT_Prob", "wf_Q_A_PERT_Prob"},
               {Need::kAnswerLoss}},
              {"normalised_probability",
               "probability of the true answer among the true and the false ones",
               {"ra_Q_A_Prob_normalised", "wf_Q_A_Prob_normalised"},
               {Need::kAnswerLoss, Need::kPerturbedLoss}},
              {"rouge",
               "ROUGE-L recall of greedy answers against the true answers (stemmed words)",
               {"forget_Q_A_ROUGE", "retain_Q_A_ROUGE", "ra_Q_A_ROUGE", "wf_Q_A_ROUGE"},
               {Need::kGeneration}},
              {"other_rouge",
               "the same answers against paraphrases of the true answers (PARA) and false ones "
               "(PERT)",
               {"forget_Q_A_PARA_ROUGE", "retain_Q_A_PARA_ROUGE", "forget_Q_A_PERT_ROUGE",
                "retain_Q_A_PERT_ROUGE"},
               {Need::kGeneration}},
              {"truth_ratio",
               "how much likelier false answers are than a paraphrase of the true one",
               {"forget_truth_ratio", "retain_Truth_Ratio", "ra_Truth_Ratio", "wf_Truth_Ratio"},
               {Need::kParaphraseLoss, Need::kPerturbedLoss}},
              {"knowledge",
               "OpenUnlearning's newer truth ratio: p / (p + q) of a paraphrase of the true answer "
               "and the false ones; 1: known",
               {"forget_knowledge", "retain_knowledge", "ra_knowledge", "wf_knowledge"},
               {Need::kParaphraseLoss, Need::kPerturbedLoss}},
              {"model_utility",
               "harmonic mean of ROUGE, probability and truth ratio on retain, authors and world "
               "facts",
               {"model_utility"},
               {Need::kAnswerLoss, Need::kParaphraseLoss, Need::kPerturbedLoss, Need::kGeneration}},
              {"forget_quality",
               "p-value of a KS test between the forget truth ratios of this and the retrained "
               "model",
               {"forget_quality"},
               {Need::kParaphraseLoss, Need::kPerturbedLoss, Need::kRetainLog}},
              {"kl_divergence",
               "mean over a text's tokens of KL(original model || this model), per task",
               {"forget_KL_Divergence", "retain_KL_Divergence", "ra_KL_Divergence",
                "wf_KL_Divergence"},
               {Need::kOriginalModel}}},
      .provides = {Need::kAnswerLoss, Need::kArgmax, Need::kTokenLogp, Need::kTokenMoments,
                   Need::kGradient, Need::kHoldout, Need::kReferenceModel, Need::kRetainLog}};
}

}  // namespace unlearn::benchmarks::tofu
