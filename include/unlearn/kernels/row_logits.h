// Rows of logits: log-sum-exp with the target's logit, divergence from another row of logits, and
// the logits' gradients in their place.
#pragma once

#include "unlearn/kernels/portable.h"

namespace unlearn::kernels {

struct RowLogits {
  void* logits = nullptr;            // [rows, columns], dtype
  DType dtype = DType::kFloat32;     // kFloat32 or kBfloat16
  const int64_t* targets = nullptr;  // [rows], 0 <= target < columns
  float* lse = nullptr;              // [rows]
  float* picked = nullptr;           // [rows]: the target's logit (forward only)
  const float* gradient = nullptr;   // [rows]: d loss / d (picked - lse) (backward only)
  int64_t rows = 0;
  int64_t columns = 0;
};

// lse = log sum_j exp(z_j), picked = z_target. CPU twin: rows [begin, end).
void row_lse_cpu(const RowLogits& args, int64_t begin, int64_t end);
// z_j <- g (1[j = target] - exp(z_j - lse)).
void row_dlogits_cpu(const RowLogits& args, int64_t begin, int64_t end);

// Forward KL of rows: value = sum_j q_j (log q_j - log p_j), p = softmax(logits), q =
// softmax(reference). All fp32.
struct RowKl {
  float* logits = nullptr;           // [rows, columns]
  const float* reference = nullptr;  // [rows, columns]
  float* value = nullptr;            // [rows]
  bool with_gradient = false;        // logits <- p - q, the gradient of the row's value
  int64_t rows = 0;
  int64_t columns = 0;
};
// Rows [begin, end).
void row_kl_cpu(const RowKl& args, int64_t begin, int64_t end);

// A row's normalisation: softmax(z)_j = exp((z_j - maximum) - log_sum), lse = maximum + log_sum.
struct RowNormal {
  float maximum;
  float log_sum;
  double lse;
};
// One element's share of the divergence, and p - q. The sum of q log(q / p) - q + p is taken, whose
// terms are all of second order in d = log q - log p: near the reference nothing cancels, and
// rounding of the two normalisations does not show. `offset`: lse(logits) - lse(reference).
struct KlElement {
  float value;
  float difference;
};
template <class Exp>
UNLEARN_PORTABLE KlElement kl_element(float z, float reference, const RowNormal& own,
                                      const RowNormal& other, float offset, Exp exp) {
  const float d = (reference - z) + offset;
  const float p = exp((z - own.maximum) - own.log_sum);
  const float q = exp((reference - other.maximum) - other.log_sum);
  // d - 1 + exp(-d)
  float series = 1.0F / 5040;
  series = 1.0F / 720 - d * series;
  series = 1.0F / 120 - d * series;
  series = 1.0F / 24 - d * series;
  series = 1.0F / 6 - d * series;
  series = (0.5F - d * series) * (d * d);
  const bool is_near = d < 0.25F && d > -0.25F;
  const float difference = is_near ? q * (series - d) : p - q;
  return {is_near ? q * series : q * d + difference, difference};
}

UNLEARN_PORTABLE float dlogit(float logit, float lse, float gradient, bool is_target) {
  return gradient * ((is_target ? 1.0F : 0.0F) - std::exp(logit - lse));
}

// A running maximum and the sum of exp(x - maximum), merged without ever overflowing.
struct ExpSum {
  float maximum;
  float sum;

  UNLEARN_PORTABLE void add(float x) { merge({x, 1.0F}); }
  UNLEARN_PORTABLE void merge(const ExpSum& other) {
    if (other.sum == 0.0F) return;
    if (sum == 0.0F) {
      *this = other;
    } else if (other.maximum > maximum) {
      sum = sum * std::exp(maximum - other.maximum) + other.sum;
      maximum = other.maximum;
    } else {
      sum += other.sum * std::exp(other.maximum - maximum);
    }
  }
  UNLEARN_PORTABLE float value() const { return maximum + std::log(sum); }
};

}  // namespace unlearn::kernels
