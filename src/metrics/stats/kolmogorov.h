#pragma once

#include <cstdint>

namespace unlearn::metrics {

// P(D_n >= d) of the two-sided one-sample Kolmogorov-Smirnov statistic, n > 0. Follows the choice
// of formulas of SciPy's kstwo.sf (Simard & L'Ecuyer, Journal of Statistical Software 39(11),
// 2011), including where it takes twice the one-sided probability as good enough. Where SciPy
// approximates (n > 140, n d^2 < 2.2; errors up to 3e-6) this is exact.
double kolmogorov_two_sided_sf(int64_t n, double d);

}  // namespace unlearn::metrics
