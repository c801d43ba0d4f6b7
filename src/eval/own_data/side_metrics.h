// One side's figures as metrics of an evaluation.
#pragma once

#include "unlearn/eval/selection.h"
#include "unlearn/metrics/eval_log.h"
#include "unlearn/metrics/own_data/measured.h"

namespace unlearn::eval::own_data {

// Metrics that are selected; a null has a warning that says what is missing.
metrics::Evaluation side_metrics(const metrics::own_data::Measured& measured,
                                 const MetricSelection& selection);

// Stored attacks (TextMetrics::add) into Measured, and their AUCs into the evaluation.
void add_attacks(const metrics::EvalReport& attacks, metrics::own_data::Measured& measured);
void add_attack_metrics(const metrics::EvalReport& attacks, const MetricSelection& selection,
                        metrics::Evaluation& evaluation);

}  // namespace unlearn::eval::own_data
