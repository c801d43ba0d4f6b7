// Whether a metric can be trusted: faithfulness (it tells models that know from models that do not)
// and robustness (it stays right when an attack or a rounding moves the weights). OpenUnlearning
// (arXiv 2506.12618) measures robustness one-sidedly, Unlearning Depth Score (arXiv 2605.24614)
// symmetrically. All metric values are oriented so that higher means more knowledge.
#pragma once

#include <optional>
#include <span>

namespace unlearn::metrics::audit {

// P(value of a model that knows > one that does not) + 1/2 P(equal); none when a side is empty or
// holds NaN.
std::optional<double> faithfulness(std::span<const double> knows, std::span<const double> does_not);

// The midpoint between neighbouring values that tells most models right when "knows" means at or
// above it; the lowest of equally good ones, as models at it count as knowing. None when a side is
// empty or all values are equal.
std::optional<double> knowledge_threshold(std::span<const double> knows,
                                          std::span<const double> does_not);

// An unlearned (U) and a retrained model (R) before and after.
struct MovedValues {
  double unlearned_before = 0, unlearned_after = 0;
  double retain_before = 0, retain_after = 0;
};
// min((R after - R before) / (U after - U before), 1): a metric is right where relearning lifts the
// unlearned model no more than the one that never knew. None when U did not move.
std::optional<double> relearning_one_sided(const MovedValues& values);
// min(U before / U after, 1) under 4-bit weights; none when U after is 0.
std::optional<double> rounding_one_sided(const MovedValues& values);
// The same by likeness(ΔU, ΔR) and likeness(U after, U before).
double relearning_symmetric(const MovedValues& values);
double rounding_symmetric(const MovedValues& values);
// 1 - |x - y| / (|x| + |y| + 1e-10), cut to [0, 1].
double likeness(double x, double y);

// 2xy / (x + y); 0 when either is 0.
double harmonic_mean(double x, double y);
struct MetricQuality {
  double faithfulness = 0, relearning = 0, rounding = 0;
  double robustness() const { return harmonic_mean(relearning, rounding); }
  double overall() const { return harmonic_mean(faithfulness, robustness()); }
};

}  // namespace unlearn::metrics::audit
