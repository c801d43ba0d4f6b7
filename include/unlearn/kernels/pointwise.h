// Element-wise parts of a decoder block: rotary embedding and SwiGLU, forward and backward.
#pragma once

#include "unlearn/kernels/portable.h"

namespace unlearn::kernels {

// Rotates pairs (i, i + half) of the leading 2 half elements of each head; the rest is copied.
// The gradient is the rotation with sign -1.
struct RotaryArgs {
  DType dtype = DType::kFloat32;  // kFloat32 or kBfloat16, of all pointers
  const void* x = nullptr;        // [tokens, heads, dim]
  void* out = nullptr;            // may be x
  const void* cos = nullptr;      // [tokens, half]
  const void* sin = nullptr;
  int64_t tokens = 0, heads = 0, dim = 0, half = 0;
  float sign = 1;
};
void rotary_cpu(const RotaryArgs& args, int64_t begin, int64_t end);  // tokens [begin, end)

// out = silu(gate) up; backward: both gradients from the output's, and out once more if it is not
// null (it may be `gradient`). `gate`, `up` and their gradients may be parts of wider matrices,
// with rows of `width` elements (a multiple of 8) `stride` apart; 0: without gaps, as the others
// are.
struct SwigluArgs {
  DType dtype = DType::kFloat32;
  const void* gate = nullptr;
  const void* up = nullptr;
  void* out = nullptr;
  const void* gradient = nullptr;  // backward, of out
  void* gate_gradient = nullptr;
  void* up_gradient = nullptr;
  int64_t size = 0;
  int64_t width = 0, stride = 0;

  // Where element i of a factor lies.
  UNLEARN_PORTABLE int64_t place(int64_t i) const {
    return width == 0 ? i : i / width * stride + i % width;
  }
};
void swiglu_forward_cpu(const SwigluArgs& args, int64_t begin, int64_t end);
void swiglu_backward_cpu(const SwigluArgs& args, int64_t begin, int64_t end);

UNLEARN_PORTABLE float sigmoid(float x) { return 1.0F / (1.0F + std::exp(-x)); }

// One element each.
UNLEARN_PORTABLE float swiglu(float gate, float up) { return gate * sigmoid(gate) * up; }
UNLEARN_PORTABLE void swiglu_gradient(float gate, float up, float gradient, float& gate_gradient,
                                      float& up_gradient) {
  const float open = sigmoid(gate);
  gate_gradient = gradient * up * open * (1.0F + gate * (1.0F - open));
  up_gradient = gradient * gate * open;
}

// (first, second) by the angle of cos and sin.
template <class T>
UNLEARN_PORTABLE void rotate(float cos, float sin, T& first, T& second) {
  const float x = widen(first);
  const float y = widen(second);
  narrow(x * cos - y * sin, first);
  narrow(y * cos + x * sin, second);
}

}  // namespace unlearn::kernels
