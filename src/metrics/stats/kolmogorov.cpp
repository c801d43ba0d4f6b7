#include "metrics/stats/kolmogorov.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace unlearn::metrics {
namespace {

// P(D_n+ >= d), the sum of Smirnov (1944); every term is positive, so nothing cancels.
double smirnov_sf(int64_t n, double d) {
  const double size = static_cast<double>(n);
  const auto last = static_cast<int64_t>(std::floor(size * (1 - d)));
  double sum = 0;
  for (int64_t j = 0; j <= last; ++j) {
    const double left = d + static_cast<double>(j) / size;
    const double right = std::max(0.0, 1 - left);
    if (right == 0 && j < n) continue;
    const double log_choose = std::lgamma(size + 1) - std::lgamma(static_cast<double>(j) + 1) -
                              std::lgamma(static_cast<double>(n - j) + 1);
    const double log_right = j == n ? 0.0 : static_cast<double>(n - j) * std::log(right);
    sum += std::exp(log_choose + static_cast<double>(j - 1) * std::log(left) + log_right);
  }
  return std::min(1.0, d * sum);
}

// A square matrix times 2^exponent.
struct Scaled {
  std::vector<double> values;  // [m, m]
  int exponent = 0;
};

Scaled multiply(const Scaled& a, const Scaled& b, size_t m) {
  Scaled c{std::vector<double>(m * m, 0.0), a.exponent + b.exponent};
  for (size_t i = 0; i < m; ++i) {
    for (size_t k = 0; k < m; ++k) {
      const double factor = a.values[i * m + k];
      if (factor == 0) continue;
      for (size_t j = 0; j < m; ++j) c.values[i * m + j] += factor * b.values[k * m + j];
    }
  }
  constexpr int kStep = 400;
  if (*std::max_element(c.values.begin(), c.values.end()) > std::ldexp(1.0, kStep)) {
    for (double& value : c.values) value = std::ldexp(value, -kStep);
    c.exponent += kStep;
  }
  return c;
}

// Durbin's matrix H for d = (k - h) / n (Marsaglia, Tsang & Wang, Journal of Statistical Software
// 8(18), 2003).
Scaled durbin_matrix(size_t m, double h) {
  std::vector<double> inverse_factorial(m + 1, 1.0);
  for (size_t i = 1; i <= m; ++i) {
    inverse_factorial[i] = inverse_factorial[i - 1] / static_cast<double>(i);
  }
  Scaled matrix{std::vector<double>(m * m, 0.0), 0};
  for (size_t i = 0; i < m; ++i) {
    for (size_t j = 0; j < std::min(m, i + 2); ++j) {
      double value = 1;
      if (j == 0) value -= std::pow(h, static_cast<double>(i + 1));
      if (i == m - 1) value -= std::pow(h, static_cast<double>(m - j));
      if (j == 0 && i == m - 1 && 2 * h > 1) value += std::pow(2 * h - 1, static_cast<double>(m));
      matrix.values[i * m + j] = value * inverse_factorial[i + 1 - j];
    }
  }
  return matrix;
}

// P(D_n < d) = n!/n^n times the middle entry of H^n.
double durbin_cdf(int64_t n, double d) {
  const double scaled = static_cast<double>(n) * d;
  const auto k = static_cast<size_t>(scaled) + 1;
  const size_t m = 2 * k - 1;
  Scaled base = durbin_matrix(m, static_cast<double>(k) - scaled);
  Scaled power{std::vector<double>(m * m, 0.0), 0};
  for (size_t i = 0; i < m; ++i) power.values[i * m + i] = 1;
  for (int64_t left = n; left > 0; left /= 2) {
    if (left % 2 == 1) power = multiply(power, base, m);
    if (left > 1) base = multiply(base, base, m);
  }
  double result = power.values[(k - 1) * m + k - 1];
  int exponent = power.exponent;
  for (int64_t i = 1; i <= n; ++i) {
    result *= static_cast<double>(i) / static_cast<double>(n);
    if (result < 1e-140) {
      result = std::ldexp(result, 400);
      exponent -= 400;
    }
  }
  return std::ldexp(result, exponent);
}

}  // namespace

double kolmogorov_two_sided_sf(int64_t n, double d) {
  const double size = static_cast<double>(n);
  const double t = size * d;
  if (d >= 1) return 0;
  if (t <= 0.5) return 1;
  if (t >= size - 1) return std::min(1.0, 2 * std::pow(1 - d, size));
  const double weight = t * d;
  if (weight >= 370 && n > 140) return 0;
  const bool one_sided_will_do = d >= 0.5 || (n <= 140 ? weight > 4 : weight >= 2.2);
  if (one_sided_will_do) return std::min(1.0, 2 * smirnov_sf(n, d));
  return std::clamp(1 - durbin_cdf(n, d), 0.0, 1.0);
}

}  // namespace unlearn::metrics
