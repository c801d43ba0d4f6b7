// Element-wise kernels: rotary embedding, SwiGLU, dropout masks.
#include "kernels/device.cuh"

namespace unlearn::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kRotaryThreads = 128;

// kRun pairs of a head from the i-th on. `at`: where the head begins.
template <class T>
__device__ void rotate_run(const RotaryArgs& args, int64_t token, int64_t at, int i) {
  const auto half = static_cast<int>(args.half);
  const int count = run_length(half - i);
  T first[kRun] = {};
  T second[kRun] = {};
  T cos[kRun] = {};
  T sin[kRun] = {};
  load_run(args.x, at + i, count, first);
  load_run(args.x, at + half + i, count, second);
  load_run(args.cos, token * half + i, count, cos);
  load_run(args.sin, token * half + i, count, sin);
#pragma unroll
  for (int k = 0; k < kRun; ++k) {
    rotate(widen(cos[k]), args.sign * widen(sin[k]), first[k], second[k]);
  }
  store_run(args.out, at + i, count, first);
  store_run(args.out, at + half + i, count, second);
}

// One thread block per token; a thread takes runs of pairs, and of elements that are not rotated.
template <class T>
__global__ void __launch_bounds__(kRotaryThreads) rotary_kernel(RotaryArgs args) {
  const int64_t token = blockIdx.x;
  const auto dim = static_cast<int>(args.dim);
  const auto half = static_cast<int>(args.half);
  const int pair_runs = (half + kRun - 1) / kRun;
  const int runs = pair_runs + (dim - 2 * half + kRun - 1) / kRun;
  const int total = static_cast<int>(args.heads) * runs;
  for (int n = static_cast<int>(threadIdx.x); n < total; n += kRotaryThreads) {
    const int64_t at = (token * args.heads + n / runs) * dim;
    const int run = n % runs;
    if (run < pair_runs) {
      rotate_run<T>(args, token, at, run * kRun);
    } else {
      const int i = 2 * half + (run - pair_runs) * kRun;
      T rest[kRun];
      load_run(args.x, at + i, run_length(dim - i), rest);
      store_run(args.out, at + i, run_length(dim - i), rest);
    }
  }
}

// The first element of a thread's run, and how far apart its runs are.
struct RunLoop {
  int64_t begin, step;
};
__device__ RunLoop run_loop() {
  const int64_t thread = blockIdx.x * static_cast<int64_t>(kThreads) + threadIdx.x;
  return {thread * kRun, static_cast<int64_t>(gridDim.x) * kThreads * kRun};
}

// args.place(i) of a run's first element, without dividing 64-bit numbers: rows are whole runs.
__device__ int64_t place_of_run(const SwigluArgs& args, int64_t i) {
  if (args.width == 0) return i;
  const auto run = static_cast<uint32_t>(i / kRun);
  const auto runs_in_row = static_cast<uint32_t>(args.width / kRun);
  const uint32_t row = run / runs_in_row;
  return row * args.stride + static_cast<int64_t>(run - row * runs_in_row) * kRun;
}

template <class T>
__global__ void __launch_bounds__(kThreads) swiglu_forward_kernel(SwigluArgs args) {
  const RunLoop loop = run_loop();
  for (int64_t i = loop.begin; i < args.size; i += loop.step) {
    const int count = run_length(args.size - i);
    const int64_t at = place_of_run(args, i);
    T gate[kRun] = {};
    T up[kRun] = {};
    load_run(args.gate, at, count, gate);
    load_run(args.up, at, count, up);
#pragma unroll
    for (int k = 0; k < kRun; ++k) narrow(swiglu(widen(gate[k]), widen(up[k])), gate[k]);
    store_run(args.out, i, count, gate);
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads) swiglu_backward_kernel(SwigluArgs args) {
  const RunLoop loop = run_loop();
  for (int64_t i = loop.begin; i < args.size; i += loop.step) {
    const int count = run_length(args.size - i);
    const int64_t at = place_of_run(args, i);
    T gate[kRun] = {};
    T up[kRun] = {};
    T gradient[kRun] = {};
    T product[kRun];
    load_run(args.gate, at, count, gate);
    load_run(args.up, at, count, up);
    load_run(args.gradient, i, count, gradient);
#pragma unroll
    for (int k = 0; k < kRun; ++k) {
      float gate_gradient, up_gradient;
      narrow(swiglu(widen(gate[k]), widen(up[k])), product[k]);
      swiglu_gradient(widen(gate[k]), widen(up[k]), widen(gradient[k]), gate_gradient, up_gradient);
      narrow(gate_gradient, gate[k]);
      narrow(up_gradient, up[k]);
    }
    store_run(args.gate_gradient, at, count, gate);
    store_run(args.up_gradient, at, count, up);
    if (args.out != nullptr) store_run(args.out, i, count, product);
  }
}

// One thread block per row.
template <class T>
__global__ void __launch_bounds__(kThreads) dropout_kernel(DropoutArgs args) {
  const int64_t row = blockIdx.x;
  for (int64_t i = threadIdx.x * kRun; i < args.columns; i += kThreads * kRun) {
    T mask[kRun];
#pragma unroll
    for (int k = 0; k < kRun; k += 2) {
      const DropoutPair pair = dropout_pair(args, row, i + k);
      narrow(pair.first, mask[k]);
      narrow(pair.second, mask[k + 1]);
    }
    store_run(args.out, row * args.columns + i, run_length(args.columns - i), mask);
  }
}

}  // namespace

extern "C" int unlearn_cuda_dropout(const DropoutArgs* args, void* stream) {
  const auto kernel = is_bf16(args->dtype) ? dropout_kernel<Bf16> : dropout_kernel<float>;
  return launch(kernel, args->columns == 0 ? 0 : args->rows, kThreads, stream, *args);
}

extern "C" int unlearn_cuda_rotary(const RotaryArgs* args, void* stream) {
  const auto kernel = is_bf16(args->dtype) ? rotary_kernel<Bf16> : rotary_kernel<float>;
  return launch(kernel, args->tokens, kRotaryThreads, stream, *args);
}

extern "C" int unlearn_cuda_swiglu_forward(const SwigluArgs* args, void* stream) {
  const auto kernel =
      is_bf16(args->dtype) ? swiglu_forward_kernel<Bf16> : swiglu_forward_kernel<float>;
  return launch(kernel, grid_size(args->size, kThreads * kRun), kThreads, stream, *args);
}

extern "C" int unlearn_cuda_swiglu_backward(const SwigluArgs* args, void* stream) {
  const auto kernel =
      is_bf16(args->dtype) ? swiglu_backward_kernel<Bf16> : swiglu_backward_kernel<float>;
  return launch(kernel, grid_size(args->size, kThreads * kRun), kThreads, stream, *args);
}

}  // namespace unlearn::kernels
