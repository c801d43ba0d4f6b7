#include "unlearn/metrics/ks.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "metrics/stats/kolmogorov.h"
#include "unlearn/core/error.h"

namespace unlearn::metrics {
namespace {

constexpr int64_t kMaxExactSize = 10000;

std::vector<double> sorted(std::span<const double> values) {
  UNLEARN_CHECK(!values.empty(), "a Kolmogorov-Smirnov sample is empty");
  std::vector<double> result(values.begin(), values.end());
  for (const double value : result) {
    UNLEARN_CHECK(!std::isnan(value), "a Kolmogorov-Smirnov sample holds NaN");
  }
  std::sort(result.begin(), result.end());
  return result;
}

// max |F1 - F2| in units of 1 / lcm(n1, n2), so that nothing is rounded.
int64_t steps_apart(std::span<const double> first, std::span<const double> second) {
  const std::vector<double> a = sorted(first);
  const std::vector<double> b = sorted(second);
  const auto n1 = static_cast<int64_t>(a.size());
  const auto n2 = static_cast<int64_t>(b.size());
  const int64_t g = std::gcd(n1, n2);
  size_t i = 0, j = 0;
  int64_t widest = 0;
  while (i < a.size() && j < b.size()) {
    const double value = std::min(a[i], b[j]);
    while (i < a.size() && a[i] == value) ++i;
    while (j < b.size() && b[j] == value) ++j;
    const int64_t gap = static_cast<int64_t>(i) * (n2 / g) - static_cast<int64_t>(j) * (n1 / g);
    widest = std::max(widest, std::abs(gap));
  }
  return widest;
}

double lcm_of(int64_t n1, int64_t n2) {
  return static_cast<double>(n1) / static_cast<double>(std::gcd(n1, n2)) * static_cast<double>(n2);
}

// Equal sizes: the reflection principle as a nested product, with h = n * D.
double equal_sizes_p_value(int64_t n, int64_t h) {
  double p = 0;
  for (int64_t k = n / h; k >= 0; --k) {
    double ratio = 1;  // C(2n, n - (k+1) h) / C(2n, n - k h)
    for (int64_t j = 0; j < h; ++j) {
      ratio *= static_cast<double>(n - k * h - j) / static_cast<double>(n + k * h + j + 1);
    }
    p = ratio * (1 - p);
  }
  return 2 * p;
}

// P(i, j) = chance that a random lattice path from (0, 0) to (i, j) comes `h` or more away from
// the diagonal (in units of 1 / lcm). Its last step came from (i - 1, j) with chance i / (i + j).
// Sums of non-negative terms only, so small results stay accurate.
double lattice_p_value(int64_t m, int64_t n, int64_t h) {
  const int64_t g = std::gcd(m, n);
  const int64_t per_i = n / g;
  const int64_t per_j = m / g;
  // p[j] = P(i, j); 1 outside the band |per_i i - per_j j| < h, which only moves up with i.
  std::vector<double> p(static_cast<size_t>(n) + 1, 1.0);
  for (int64_t i = 0; i <= m; ++i) {
    const int64_t center = per_i * i;
    const int64_t low = center < h ? 0 : (center - h) / per_j + 1;
    const int64_t high = std::min(n, (center + h - 1) / per_j);
    double left = 1;
    for (int64_t j = low; j <= high; ++j) {
      double& here = p[static_cast<size_t>(j)];
      const double x = static_cast<double>(i);
      const double y = static_cast<double>(j);
      here = i + j == 0 ? 0.0 : (x * here + y * left) / (x + y);
      left = here;
    }
  }
  return std::abs(per_i * m - per_j * n) >= h ? 1.0 : p.back();
}

double exact_p_value(int64_t n1, int64_t n2, int64_t h) {
  if (h == 0) return 1;
  const double p = n1 == n2 ? equal_sizes_p_value(n1, h)
                            : lattice_p_value(std::max(n1, n2), std::min(n1, n2), h);
  return std::clamp(p, 0.0, 1.0);
}

}  // namespace

double ks_exact_p_value(int64_t n1, int64_t n2, double statistic) {
  UNLEARN_CHECK(n1 > 0 && n2 > 0 && n1 <= kMaxExactSize && n2 <= kMaxExactSize, "sizes ", n1, " ",
                n2);
  UNLEARN_CHECK(statistic >= 0 && statistic <= 1, "statistic ", statistic);
  return exact_p_value(n1, n2, std::llround(statistic * lcm_of(n1, n2)));
}

double ks_asymptotic_p_value(int64_t n1, int64_t n2, double statistic) {
  UNLEARN_CHECK(n1 > 0 && n2 > 0, "sizes ", n1, " ", n2);
  UNLEARN_CHECK(statistic >= 0 && statistic <= 1, "statistic ", statistic);
  const double first = static_cast<double>(n1);
  const double second = static_cast<double>(n2);
  // nearbyint rounds halves to even, as NumPy does. The result is 0 only for sizes 1 and 1.
  const double effective = std::nearbyint(first * second / (first + second));
  if (effective < 1) return std::nan("");
  return kolmogorov_two_sided_sf(static_cast<int64_t>(effective), statistic);
}

KsResult ks_two_sample(std::span<const double> first, std::span<const double> second,
                       KsMethod method) {
  const int64_t h = steps_apart(first, second);
  const auto n1 = static_cast<int64_t>(first.size());
  const auto n2 = static_cast<int64_t>(second.size());
  KsResult result;
  result.statistic = std::min(1.0, static_cast<double>(h) / lcm_of(n1, n2));
  if (method == KsMethod::kExact && std::max(n1, n2) <= kMaxExactSize) {
    result.p_value = exact_p_value(n1, n2, h);
  } else {
    result.p_value = ks_asymptotic_p_value(n1, n2, result.statistic);
  }
  return result;
}

}  // namespace unlearn::metrics
