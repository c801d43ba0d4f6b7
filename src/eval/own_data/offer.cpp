// What an evaluation of own data reports.
#include "unlearn/eval/own_data.h"

namespace unlearn::eval::own_data {

using metrics::Need;

MetricOffer offer(const EvalConfig&) {
  return {.own = {{"preference",
                   "preference for the true answers over other rows' (AUC; 0.5: none), and their "
                   "log-probability (own data)",
                   {"forget_AUC", "forget_logprob"},
                   {Need::kAnswerLoss}},
                  {"extraction",
                   "share of forget rows that the likeliest output gives away: asked as they are, "
                   "and in other words; outputs with other rows' data (own data)",
                   {"forget_extracted", "forget_extracted_in_other_words", "forget_ROUGE",
                    "cross_leaks"},
                   {Need::kGeneration}},
                  {"leak_at_k",
                   "probability that one of k sampled outputs gives a forget row away (own data)",
                   {"leak_at_1", "leak_at_k"},
                   {Need::kGeneration}},
                  {"damage",
                   "mean log-probabilities of what is to stay: retain rows trained on and held "
                   "out, neighbours of the forget rows, general text (own data)",
                   {"retain_seen_logprob", "retain_held_out_logprob", "neighbours_logprob",
                    "general_text_logprob"},
                   {Need::kAnswerLoss}},
                  {"fluency",
                   "share of empty or repeating outputs, and distinct 2-grams (own data)",
                   {"forget_broken", "retain_broken", "forget_distinct_2", "retain_distinct_2"},
                   {Need::kGeneration}}},
          .provides = {Need::kAnswerLoss, Need::kTokenLogp, Need::kTokenMoments, Need::kGradient,
                       Need::kHoldout, Need::kReferenceModel}};
}

}  // namespace unlearn::eval::own_data
