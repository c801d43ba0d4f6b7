// CPU twins of the norm kernels: the same arithmetic, one row after the other.
#include <algorithm>

#include "unlearn/kernels/norms.h"
#include "unlearn/kernels/rms_norm.h"

namespace unlearn::kernels {
namespace {

template <class T>
void norm_forward(const RmsNorm& args, int64_t begin, int64_t end) {
  const T* weight = static_cast<const T*>(args.weight);
  for (int64_t row = begin; row < end; ++row) {
    const int64_t at = row * args.width;
    const T* x = static_cast<const T*>(args.x) + at;
    float squares = 0;
    for (int64_t i = 0; i < args.width; ++i) squares += widen(x[i]) * widen(x[i]);
    const float scale = 1.0F / std::sqrt(squares / static_cast<float>(args.width) + args.epsilon);
    args.scale[row] = scale;
    T* out = static_cast<T*>(args.out) + at;
    for (int64_t i = 0; i < args.width; ++i) {
      T normal;
      narrow(widen(x[i]) * scale, normal);
      narrow(widen(normal) * widen(weight[i]), out[i]);
    }
  }
}

template <class T>
void norm_backward_row(const RmsNorm& args, int64_t row, float* weight_part) {
  const int64_t at = row * args.width;
  const T* x = static_cast<const T*>(args.x) + at;
  const T* gradient = static_cast<const T*>(args.gradient) + at;
  const T* weight = static_cast<const T*>(args.weight);
  const float scale = args.scale[row];
  float along = 0;
  for (int64_t i = 0; i < args.width; ++i) {
    along += widen(gradient[i]) * widen(weight[i]) * widen(x[i]) * scale;
  }
  along /= static_cast<float>(args.width);
  T* out = static_cast<T*>(args.x_gradient) + at;
  for (int64_t i = 0; i < args.width; ++i) {
    const float normal = widen(x[i]) * scale;
    narrow((widen(gradient[i]) * widen(weight[i]) - normal * along) * scale, out[i]);
    if (weight_part != nullptr) weight_part[i] += widen(gradient[i]) * normal;
  }
}

template <class T>
void norm_backward(const RmsNorm& args, int64_t begin, int64_t end) {
  for (int64_t part = begin; part < end; ++part) {
    float* weight_part =
        args.weight_parts == nullptr ? nullptr : args.weight_parts + part * args.width;
    if (weight_part != nullptr) std::fill_n(weight_part, args.width, 0.0F);
    for (int64_t row = part; row < args.rows; row += args.parts) {
      norm_backward_row<T>(args, row, weight_part);
    }
  }
}

template <class T>
double sum_squares(const NormTensor& tensor, int64_t begin, int64_t end) {
  const T* values = static_cast<const T*>(tensor.values);
  double sum = 0;
  for (int64_t i = begin; i < end; ++i) {
    const auto value = static_cast<double>(widen(values[i]));
    sum += value * value;
  }
  return sum;
}

}  // namespace

void rms_norm_forward_cpu(const RmsNorm& args, int64_t begin, int64_t end) {
  args.dtype == DType::kBfloat16 ? norm_forward<Bf16>(args, begin, end)
                                 : norm_forward<float>(args, begin, end);
}

void rms_norm_backward_cpu(const RmsNorm& args, int64_t begin, int64_t end) {
  args.dtype == DType::kBfloat16 ? norm_backward<Bf16>(args, begin, end)
                                 : norm_backward<float>(args, begin, end);
}

double sum_squares_cpu(const NormTensor& tensor, DType dtype, int64_t begin, int64_t end) {
  switch (dtype) {
    case DType::kFloat64:
      return sum_squares<double>(tensor, begin, end);
    case DType::kBfloat16:
      return sum_squares<Bf16>(tensor, begin, end);
    case DType::kFloat32:
      break;
  }
  return sum_squares<float>(tensor, begin, end);
}

}  // namespace unlearn::kernels
