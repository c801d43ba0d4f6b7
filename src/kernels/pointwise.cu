// Element-wise kernels: rotary embedding, SwiGLU.
#include "device.cuh"

namespace unlearn::kernels {
namespace {

constexpr int kThreads = 256;

// One thread per pair, and per element that is not rotated.
template <class T>
__global__ void __launch_bounds__(kThreads) rotary_kernel(RotaryArgs args) {
  const int64_t rest = args.dim - 2 * args.half;
  const int64_t per_head = args.half + rest;
  const int64_t total = args.tokens * args.heads * per_head;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t n = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x; n < total;
       n += stride) {
    const int64_t i = n % per_head;
    const int64_t head = n / per_head % args.heads;
    const int64_t token = n / per_head / args.heads;
    if (i < args.half) {
      rotate_pair<T>(args, token, head, i);
    } else {
      const int64_t at = (token * args.heads + head) * args.dim + args.half + i;
      static_cast<T*>(args.out)[at] = static_cast<const T*>(args.x)[at];
    }
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads) swiglu_forward_kernel(SwigluArgs args) {
  const T* gate = static_cast<const T*>(args.gate);
  const T* up = static_cast<const T*>(args.up);
  T* out = static_cast<T*>(args.out);
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x; i < args.size;
       i += stride) {
    narrow(swiglu(widen(gate[i]), widen(up[i])), out[i]);
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads) swiglu_backward_kernel(SwigluArgs args) {
  const T* gate = static_cast<const T*>(args.gate);
  const T* up = static_cast<const T*>(args.up);
  const T* gradient = static_cast<const T*>(args.gradient);
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x; i < args.size;
       i += stride) {
    float gate_gradient, up_gradient;
    swiglu_gradient(widen(gate[i]), widen(up[i]), widen(gradient[i]), gate_gradient, up_gradient);
    narrow(gate_gradient, static_cast<T*>(args.gate_gradient)[i]);
    narrow(up_gradient, static_cast<T*>(args.up_gradient)[i]);
  }
}

}  // namespace

extern "C" int unlearn_cuda_rotary(const RotaryArgs* args, void* stream) {
  const auto kernel = is_bf16(args->dtype) ? rotary_kernel<Bf16> : rotary_kernel<float>;
  const int64_t total = args->tokens * args->heads * (args->dim - args->half);
  return launch(kernel, grid_size(total, kThreads), kThreads, stream, *args);
}

extern "C" int unlearn_cuda_swiglu_forward(const SwigluArgs* args, void* stream) {
  const auto kernel =
      is_bf16(args->dtype) ? swiglu_forward_kernel<Bf16> : swiglu_forward_kernel<float>;
  return launch(kernel, grid_size(args->size, kThreads), kThreads, stream, *args);
}

extern "C" int unlearn_cuda_swiglu_backward(const SwigluArgs* args, void* stream) {
  const auto kernel =
      is_bf16(args->dtype) ? swiglu_backward_kernel<Bf16> : swiglu_backward_kernel<float>;
  return launch(kernel, grid_size(args->size, kThreads), kThreads, stream, *args);
}

}  // namespace unlearn::kernels
