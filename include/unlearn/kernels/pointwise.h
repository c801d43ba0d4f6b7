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

// out = silu(gate) up; backward: both gradients from the output's.
struct SwigluArgs {
  DType dtype = DType::kFloat32;
  const void* gate = nullptr;
  const void* up = nullptr;
  void* out = nullptr;             // forward
  const void* gradient = nullptr;  // backward, of out
  void* gate_gradient = nullptr;
  void* up_gradient = nullptr;
  int64_t size = 0;
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

template <class T>
UNLEARN_PORTABLE void rotate_pair(const RotaryArgs& args, int64_t token, int64_t head, int64_t i) {
  const int64_t base = (token * args.heads + head) * args.dim;
  const T* x = static_cast<const T*>(args.x) + base;
  T* out = static_cast<T*>(args.out) + base;
  const float cos = widen(static_cast<const T*>(args.cos)[token * args.half + i]);
  const float sin = args.sign * widen(static_cast<const T*>(args.sin)[token * args.half + i]);
  const float first = widen(x[i]);
  const float second = widen(x[i + args.half]);
  narrow(first * cos - second * sin, out[i]);
  narrow(second * cos + first * sin, out[i + args.half]);
}

}  // namespace unlearn::kernels
