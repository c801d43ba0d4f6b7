// How much of an answer the model's arg-max reproduces when it is fed the true prefix.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace unlearn::metrics {

// `hits[t]` is 1 where the arg-max equals label t, else 0; the last label (EOS) is left out.
// Source: OpenUnlearning src/evals/metrics/memorization.py.

// The fraction of hits; none without labels.
std::optional<double> exact_memorization(std::span<const uint8_t> hits);

// 1 - k/n for the smallest k from which on every label is hit; 0 without labels. When not even the
// last label is hit OpenUnlearning's loop ends at k = n - 1, so that 1/n is its smallest score;
// `strict` gives 0 there.
double extraction_strength(std::span<const uint8_t> hits, bool strict = false);

}  // namespace unlearn::metrics
