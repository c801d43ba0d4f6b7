// What an audit reads of an evaluation of own data (benchmarks qa and text).
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>

#include "benchmarks/row_number.h"
#include "unlearn/benchmarks/benchmark.h"

namespace unlearn::benchmarks {

// exp of the mean log-probability of what is to stay: the held-out retain rows; without them those
// that were trained on, without any the page of general text.
inline std::optional<double> own_utility(const metrics::EvalReport& report) {
  for (const auto value_of :
       {value_of_metric<"retain_held_out_logprob">, value_of_metric<"retain_seen_logprob">,
        value_of_metric<"general_text_logprob">}) {
    if (const std::optional<double> logprob = value_of(report)) return std::exp(*logprob);
  }
  return std::nullopt;
}

inline std::optional<double> own_probability(const Json& row) {
  const std::optional<double> logprob = number_of_row<"score">(row);
  return logprob ? std::optional(std::exp(*logprob)) : std::nullopt;
}

// The rows' own answers, as they are asked: no other answers to compare with, no other words.
inline void narrow_own(eval::EvalConfig& config) {
  config.own_alternatives = 1;
  config.own_paraphrases = false;
}

inline void own_knowledge_only(eval::EvalConfig& config) { std::erase(config.metrics, "damage"); }

inline AuditSupport own_audit(
    std::optional<eval::Questions> (*questions)(const eval::EvaluationInputs& inputs)) {
  return {.knowledge = {{"probability", "forget_logprob", own_probability},
                        {"rouge", "forget_ROUGE", number_of_row<"score">},
                        {"extracted", "forget_extracted", number_of_row<"score">}},
          .metrics = {"preference", "extraction", "damage"},
          .utility = own_utility,
          .narrow = narrow_own,
          .knowledge_only = own_knowledge_only,
          .questions = questions};
}

}  // namespace unlearn::benchmarks
