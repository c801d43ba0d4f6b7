// CPU twins of the element-wise kernels.
#include <algorithm>

#include "unlearn/kernels/dropout.h"
#include "unlearn/kernels/pointwise.h"

namespace unlearn::kernels {
namespace {

template <class T>
void rotate_head(const RotaryArgs& args, int64_t token, int64_t head) {
  const int64_t at = (token * args.heads + head) * args.dim;
  const T* x = static_cast<const T*>(args.x) + at;
  T* out = static_cast<T*>(args.out) + at;
  const T* cos = static_cast<const T*>(args.cos) + token * args.half;
  const T* sin = static_cast<const T*>(args.sin) + token * args.half;
  if (out != x) std::copy(x, x + args.dim, out);
  for (int64_t i = 0; i < args.half; ++i) {
    rotate(widen(cos[i]), args.sign * widen(sin[i]), out[i], out[i + args.half]);
  }
}

template <class T>
void rotary(const RotaryArgs& args, int64_t begin, int64_t end) {
  for (int64_t token = begin; token < end; ++token) {
    for (int64_t head = 0; head < args.heads; ++head) rotate_head<T>(args, token, head);
  }
}

template <class T>
void forward(const SwigluArgs& args, int64_t begin, int64_t end) {
  const T* gate = static_cast<const T*>(args.gate);
  const T* up = static_cast<const T*>(args.up);
  T* out = static_cast<T*>(args.out);
  for (int64_t i = begin; i < end; ++i) {
    const int64_t at = args.place(i);
    narrow(swiglu(widen(gate[at]), widen(up[at])), out[i]);
  }
}

template <class T>
void backward(const SwigluArgs& args, int64_t begin, int64_t end) {
  const T* gate = static_cast<const T*>(args.gate);
  const T* up = static_cast<const T*>(args.up);
  const T* gradient = static_cast<const T*>(args.gradient);
  for (int64_t i = begin; i < end; ++i) {
    const int64_t at = args.place(i);
    float gate_gradient, up_gradient;
    const float product = swiglu(widen(gate[at]), widen(up[at]));
    swiglu_gradient(widen(gate[at]), widen(up[at]), widen(gradient[i]), gate_gradient, up_gradient);
    narrow(gate_gradient, static_cast<T*>(args.gate_gradient)[at]);
    narrow(up_gradient, static_cast<T*>(args.up_gradient)[at]);
    if (args.out != nullptr) narrow(product, static_cast<T*>(args.out)[i]);
  }
}

template <class T>
void dropout(const DropoutArgs& args, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    T* out = static_cast<T*>(args.out) + row * args.columns;
    for (int64_t j = 0; j < args.columns; j += 2) {
      const DropoutPair pair = dropout_pair(args, row, j);
      narrow(pair.first, out[j]);
      if (j + 1 < args.columns) narrow(pair.second, out[j + 1]);
    }
  }
}

}  // namespace

void dropout_cpu(const DropoutArgs& args, int64_t begin, int64_t end) {
  args.dtype == DType::kBfloat16 ? dropout<Bf16>(args, begin, end)
                                 : dropout<float>(args, begin, end);
}

void rotary_cpu(const RotaryArgs& args, int64_t begin, int64_t end) {
  args.dtype == DType::kBfloat16 ? rotary<Bf16>(args, begin, end) : rotary<float>(args, begin, end);
}

void swiglu_forward_cpu(const SwigluArgs& args, int64_t begin, int64_t end) {
  args.dtype == DType::kBfloat16 ? forward<Bf16>(args, begin, end)
                                 : forward<float>(args, begin, end);
}

void swiglu_backward_cpu(const SwigluArgs& args, int64_t begin, int64_t end) {
  args.dtype == DType::kBfloat16 ? backward<Bf16>(args, begin, end)
                                 : backward<float>(args, begin, end);
}

}  // namespace unlearn::kernels
