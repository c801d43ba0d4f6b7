// The two-sample two-sided Kolmogorov-Smirnov test behind TOFU's forget quality, with the
// conventions of scipy.stats.ks_2samp.
#pragma once

#include <cstdint>
#include <span>

namespace unlearn::metrics {

// kExact is what SciPy's method='auto' takes for samples of up to 10,000 values. kAsymptotic is
// method='asymp': the one-sample distribution at round(n1 n2 / (n1 + n2)).
enum class KsMethod { kExact, kAsymptotic };

struct KsResult {
  double statistic = 0;  // max |F1 - F2| of the right-continuous empirical distributions
  double p_value = 1;
};

// Samples must be non-empty and free of NaN (infinities are ordinary largest values).
// The exact p-value keeps its full relative accuracy down to the smallest normal double; it takes
// O(n1 n2) time for unequal sizes and O(n) for equal ones, so samples beyond 10,000 values fall
// back to kAsymptotic, as SciPy does.
KsResult ks_two_sample(std::span<const double> first, std::span<const double> second,
                       KsMethod method = KsMethod::kExact);

// P(D >= statistic) for sample sizes n1, n2 under the null hypothesis; both sizes > 0.
double ks_exact_p_value(int64_t n1, int64_t n2, double statistic);
double ks_asymptotic_p_value(int64_t n1, int64_t n2, double statistic);

}  // namespace unlearn::metrics
