// Row operations over a vocabulary on the CPU. Every loop runs over an array of lanes, so that the
// compiler makes vector code of it and the order of a sum is the same on every machine.
#include <array>
#include <limits>

#include "kernels/vector_versions.h"
#include "unlearn/kernels/row_logits.h"

namespace unlearn::kernels {
namespace {

constexpr int64_t kLanes = 64;
constexpr int64_t kSumBlock = 16 * kLanes;  // summed in fp32; blocks are summed in fp64

// exp(x) for x <= 88 within 2 units in the last place: 2^n exp(r) with |r| <= ln 2 / 2, ln 2 in two
// parts (Cody & Waite), a polynomial of degree 7. Below -87 it stays at the smallest normal number.
UNLEARN_PORTABLE float vector_exp(float x) {
  constexpr float kRounder = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
  x = x < -87.0F ? -87.0F : x;
  const float shifted = x * 1.44269504F + kRounder;
  const float n = shifted - kRounder;
  const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  float tail = 1.0F / 5040;
  tail = tail * r + 1.0F / 720;
  tail = tail * r + 1.0F / 120;
  tail = tail * r + 1.0F / 24;
  tail = tail * r + 1.0F / 6;
  tail = tail * r + 0.5F;
  return (tail * (r * r) + r + 1.0F) * float_from_bits((float_bits(shifted) << 23) + 0x3F800000U);
}

struct VectorExp {
  UNLEARN_PORTABLE float operator()(float x) const { return vector_exp(x); }
};

template <class T>
UNLEARN_PORTABLE float row_maximum(const T* z, int64_t columns) {
  std::array<float, kLanes> lanes;
  lanes.fill(-std::numeric_limits<float>::infinity());
  int64_t j = 0;
  for (; j + kLanes <= columns; j += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) {
      const float value = widen(z[j + l]);
      lanes[l] = value > lanes[l] ? value : lanes[l];
    }
  }
  for (; j < columns; ++j) lanes[0] = widen(z[j]) > lanes[0] ? widen(z[j]) : lanes[0];
  float maximum = lanes[0];
  for (const float value : lanes) maximum = value > maximum ? value : maximum;
  return maximum;
}

// Sum of term(j) over [0, columns).
template <class Term>
UNLEARN_PORTABLE double row_sum(int64_t columns, const Term& term) {
  double total = 0;
  for (int64_t begin = 0; begin < columns; begin += kSumBlock) {
    std::array<float, kLanes> lanes{};
    const int64_t end = begin + kSumBlock < columns ? begin + kSumBlock : columns;
    int64_t j = begin;
    for (; j + kLanes <= end; j += kLanes) {
      for (int64_t l = 0; l < kLanes; ++l) lanes[l] += term(j + l);
    }
    for (; j < end; ++j) lanes[0] += term(j);
    for (int64_t width = kLanes / 2; width > 0; width /= 2) {
      for (int64_t l = 0; l < width; ++l) lanes[l] += lanes[l + width];
    }
    total += static_cast<double>(lanes[0]);
  }
  return total;
}

template <class T>
UNLEARN_PORTABLE RowNormal row_normal(const T* z, int64_t columns) {
  const float maximum = row_maximum(z, columns);
  const double log_sum = std::log(row_sum(
      columns, [&](int64_t j)
                   __attribute__((always_inline)) { return vector_exp(widen(z[j]) - maximum); }));
  return {maximum, static_cast<float>(log_sum), static_cast<double>(maximum) + log_sum};
}

template <class T>
UNLEARN_PORTABLE void lse_rows(const RowLogits& args, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const T* z = static_cast<const T*>(args.logits) + row * args.columns;
    args.lse[row] = static_cast<float>(row_normal(z, args.columns).lse);
    args.picked[row] = widen(z[args.targets[row]]);
  }
}

template <class T>
UNLEARN_PORTABLE void dlogits_rows(const RowLogits& args, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    T* z = static_cast<T*>(args.logits) + row * args.columns;
    const float lse = args.lse[row];
    const float gradient = args.gradient[row];
    const int64_t target = args.targets[row];
    const float hit = gradient * (1.0F - vector_exp(widen(z[target]) - lse));
    for (int64_t j = 0; j < args.columns; ++j) {
      narrow(-gradient * vector_exp(widen(z[j]) - lse), z[j]);
    }
    narrow(hit, z[target]);
  }
}

template <bool kWithGradient>
UNLEARN_PORTABLE float kl_row(float* __restrict z, const float* __restrict reference,
                              int64_t columns) {
  const RowNormal own = row_normal(z, columns);
  const RowNormal other = row_normal(reference, columns);
  const auto offset = static_cast<float>(own.lse - other.lse);
  const auto term = [&](int64_t j) __attribute__((always_inline)) {
    const KlElement element = kl_element(z[j], reference[j], own, other, offset, VectorExp());
    if constexpr (kWithGradient) z[j] = element.difference;
    return element.value;
  };
  return static_cast<float>(row_sum(columns, term));
}

// What the instruction sets get versions of: functions without templates.
UNLEARN_VECTOR_VERSIONS
void lse_float(const RowLogits& args, int64_t begin, int64_t end) {
  lse_rows<float>(args, begin, end);
}
UNLEARN_VECTOR_VERSIONS
void lse_half(const RowLogits& args, int64_t begin, int64_t end) {
  lse_rows<Bf16>(args, begin, end);
}
UNLEARN_VECTOR_VERSIONS
void dlogits_float(const RowLogits& args, int64_t begin, int64_t end) {
  dlogits_rows<float>(args, begin, end);
}
UNLEARN_VECTOR_VERSIONS
void dlogits_half(const RowLogits& args, int64_t begin, int64_t end) {
  dlogits_rows<Bf16>(args, begin, end);
}
UNLEARN_VECTOR_VERSIONS
void kl_float(const RowKl& args, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    float* z = args.logits + row * args.columns;
    const float* reference = args.reference + row * args.columns;
    args.value[row] = args.with_gradient ? kl_row<true>(z, reference, args.columns)
                                         : kl_row<false>(z, reference, args.columns);
  }
}

}  // namespace

void row_lse_cpu(const RowLogits& args, int64_t begin, int64_t end) {
  args.dtype == DType::kBfloat16 ? lse_half(args, begin, end) : lse_float(args, begin, end);
}

void row_dlogits_cpu(const RowLogits& args, int64_t begin, int64_t end) {
  args.dtype == DType::kBfloat16 ? dlogits_half(args, begin, end) : dlogits_float(args, begin, end);
}

void row_kl_cpu(const RowKl& args, int64_t begin, int64_t end) { kl_float(args, begin, end); }

}  // namespace unlearn::kernels
