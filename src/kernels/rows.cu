// Row-wise kernels: logits, RMSNorm, sums of squares.
#include "kernels/device.cuh"

namespace unlearn::kernels {
namespace {

constexpr int kRowThreads = 512;
constexpr int kNormThreads = 256;
constexpr int kRunsPerThread = 4;  // widest RMSNorm: 256 * 4 * kRun

__device__ ExpSum warp_merge(ExpSum total) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    total.merge({__shfl_xor_sync(0xFFFFFFFFU, total.maximum, offset),
                 __shfl_xor_sync(0xFFFFFFFFU, total.sum, offset)});
  }
  return total;
}

// Over a row of logits, by all threads of a block; every thread gets the result.
template <class T>
__device__ ExpSum row_exp_sum(const T* z, int64_t columns) {
  __shared__ float maxima[kWarp];
  __shared__ float sums[kWarp];
  ExpSum total{0, 0};
  for (int64_t j = threadIdx.x; j < columns; j += blockDim.x) total.add(widen(z[j]));
  total = warp_merge(total);
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  __syncthreads();  // an earlier call's readers are done
  if (lane == 0) {
    maxima[threadIdx.x / kWarp] = total.maximum;
    sums[threadIdx.x / kWarp] = total.sum;
  }
  __syncthreads();
  const bool has_part = lane < static_cast<int>(blockDim.x) / kWarp;
  return warp_merge({has_part ? maxima[lane] : 0.0F, has_part ? sums[lane] : 0.0F});
}

__device__ RowNormal normal_of(const ExpSum& total) {
  const float log_sum = logf(total.sum);
  return {total.maximum, log_sum,
          static_cast<double>(total.maximum) + static_cast<double>(log_sum)};
}

struct DeviceExp {
  __device__ float operator()(float x) const { return expf(x); }
};

template <class T>
__global__ void __launch_bounds__(kRowThreads) row_lse_kernel(RowLogits args) {
  const int64_t row = blockIdx.x;
  const T* z = static_cast<const T*>(args.logits) + row * args.columns;
  const ExpSum total = row_exp_sum(z, args.columns);
  if (threadIdx.x == 0) {
    args.lse[row] = total.value();
    args.picked[row] = widen(z[args.targets[row]]);
  }
}

template <bool kWithGradient>
__global__ void __launch_bounds__(kRowThreads) row_kl_kernel(RowKl args) {
  const int64_t row = blockIdx.x;
  float* z = args.logits + row * args.columns;
  const float* reference = args.reference + row * args.columns;
  const RowNormal own = normal_of(row_exp_sum(z, args.columns));
  const RowNormal other = normal_of(row_exp_sum(reference, args.columns));
  const auto offset = static_cast<float>(own.lse - other.lse);
  float value = 0;
  for (int64_t j = threadIdx.x; j < args.columns; j += blockDim.x) {
    const KlElement element = kl_element(z[j], reference[j], own, other, offset, DeviceExp());
    if constexpr (kWithGradient) z[j] = element.difference;
    value += element.value;
  }
  value = block_sum(value);
  if (threadIdx.x == 0) args.value[row] = value;
}

template <class T>
__global__ void __launch_bounds__(kRowThreads) row_dlogits_kernel(RowLogits args) {
  const int64_t row = blockIdx.x;
  T* z = static_cast<T*>(args.logits) + row * args.columns;
  const float lse = args.lse[row];
  const float gradient = args.gradient[row];
  const int64_t target = args.targets[row];
  for (int64_t j = threadIdx.x; j < args.columns; j += blockDim.x) {
    narrow(dlogit(widen(z[j]), lse, gradient, j == target), z[j]);
  }
}

// Where a thread's k-th run of a row begins.
__device__ int64_t norm_column(int k) {
  return (static_cast<int64_t>(k) * kNormThreads + threadIdx.x) * kRun;
}

template <class T>
__global__ void __launch_bounds__(kNormThreads) norm_forward_kernel(RmsNorm args) {
  const int64_t at = blockIdx.x * args.width;
  T x[kRunsPerThread][kRun] = {};
  float squares = 0;
#pragma unroll
  for (int k = 0; k < kRunsPerThread; ++k) {
    const int64_t i = norm_column(k);
    load_run(args.x, at + i, run_length(args.width - i), x[k]);
#pragma unroll
    for (int c = 0; c < kRun; ++c) squares += widen(x[k][c]) * widen(x[k][c]);
  }
  const float mean = block_sum(squares) / static_cast<float>(args.width);
  const float scale = 1.0F / sqrtf(mean + args.epsilon);
  if (threadIdx.x == 0) args.scale[blockIdx.x] = scale;
#pragma unroll
  for (int k = 0; k < kRunsPerThread; ++k) {
    const int64_t i = norm_column(k);
    const int count = run_length(args.width - i);
    T weight[kRun] = {};
    load_run(args.weight, i, count, weight);
#pragma unroll
    for (int c = 0; c < kRun; ++c) {
      T normal;
      narrow(widen(x[k][c]) * scale, normal);
      narrow(widen(normal) * widen(weight[c]), x[k][c]);
    }
    store_run(args.out, at + i, count, x[k]);
  }
}

template <class T>
__global__ void __launch_bounds__(kNormThreads) norm_backward_kernel(RmsNorm args) {
  float parts[kRunsPerThread][kRun] = {};
  for (int64_t row = blockIdx.x; row < args.rows; row += args.parts) {
    const int64_t at = row * args.width;
    const float scale = args.scale[row];
    T x[kRunsPerThread][kRun] = {};
    T gradient[kRunsPerThread][kRun] = {};
    float along = 0;
#pragma unroll
    for (int k = 0; k < kRunsPerThread; ++k) {
      const int64_t i = norm_column(k);
      const int count = run_length(args.width - i);
      T weight[kRun] = {};
      load_run(args.x, at + i, count, x[k]);
      load_run(args.gradient, at + i, count, gradient[k]);
      load_run(args.weight, i, count, weight);
#pragma unroll
      for (int c = 0; c < kRun; ++c) {
        along += widen(gradient[k][c]) * widen(weight[c]) * widen(x[k][c]) * scale;
      }
    }
    along = block_sum(along) / static_cast<float>(args.width);
#pragma unroll
    for (int k = 0; k < kRunsPerThread; ++k) {
      const int64_t i = norm_column(k);
      const int count = run_length(args.width - i);
      T weight[kRun] = {};
      load_run(args.weight, i, count, weight);
#pragma unroll
      for (int c = 0; c < kRun; ++c) {
        const float g = widen(gradient[k][c]);
        const float normal = widen(x[k][c]) * scale;
        parts[k][c] += g * normal;
        narrow((g * widen(weight[c]) - normal * along) * scale, x[k][c]);
      }
      store_run(args.x_gradient, at + i, count, x[k]);
    }
  }
  if (args.weight_parts == nullptr) return;
#pragma unroll
  for (int k = 0; k < kRunsPerThread; ++k) {
    const int64_t i = norm_column(k);
    store_run(args.weight_parts, blockIdx.x * args.width + i, run_length(args.width - i), parts[k]);
  }
}

// Rows of at most kShortRow elements: a run a thread, a row a warp.
static_assert(kWarp * kRun == kShortRow && kShortRowsPerBlock * kWarp == kNormThreads);

__device__ int64_t short_row() {
  return static_cast<int64_t>(blockIdx.x) * kShortRowsPerBlock + threadIdx.x / kWarp;
}

template <class T>
__global__ void __launch_bounds__(kNormThreads) short_norm_forward_kernel(RmsNorm args) {
  const int64_t row = short_row();
  if (row >= args.rows) return;
  const int64_t i = static_cast<int64_t>(threadIdx.x % kWarp) * kRun;
  const int count = run_length(args.width - i);
  T x[kRun] = {};
  T weight[kRun] = {};
  load_run(args.x, row * args.width + i, count, x);
  load_run(args.weight, i, count, weight);
  float squares = 0;
#pragma unroll
  for (int c = 0; c < kRun; ++c) squares += widen(x[c]) * widen(x[c]);
  const float mean = warp_sum(squares) / static_cast<float>(args.width);
  const float scale = 1.0F / sqrtf(mean + args.epsilon);
  if (i == 0) args.scale[row] = scale;
#pragma unroll
  for (int c = 0; c < kRun; ++c) {
    T normal;
    narrow(widen(x[c]) * scale, normal);
    narrow(widen(normal) * widen(weight[c]), x[c]);
  }
  store_run(args.out, row * args.width + i, count, x);
}

// A warp makes one part of the weight's gradient.
template <class T>
__global__ void __launch_bounds__(kNormThreads) short_norm_backward_kernel(RmsNorm args) {
  const int64_t part = short_row();
  if (part >= args.parts) return;
  const int64_t i = static_cast<int64_t>(threadIdx.x % kWarp) * kRun;
  const int count = run_length(args.width - i);
  T weight[kRun] = {};
  load_run(args.weight, i, count, weight);
  float parts[kRun] = {};
  for (int64_t row = part; row < args.rows; row += args.parts) {
    const float scale = args.scale[row];
    T x[kRun] = {};
    T gradient[kRun] = {};
    load_run(args.x, row * args.width + i, count, x);
    load_run(args.gradient, row * args.width + i, count, gradient);
    float along = 0;
#pragma unroll
    for (int c = 0; c < kRun; ++c) {
      along += widen(gradient[c]) * widen(weight[c]) * widen(x[c]) * scale;
    }
    along = warp_sum(along) / static_cast<float>(args.width);
#pragma unroll
    for (int c = 0; c < kRun; ++c) {
      const float g = widen(gradient[c]);
      const float normal = widen(x[c]) * scale;
      parts[c] += g * normal;
      narrow((g * widen(weight[c]) - normal * along) * scale, x[c]);
    }
    store_run(args.x_gradient, row * args.width + i, count, x);
  }
  if (args.weight_parts != nullptr) {
    store_run(args.weight_parts, part * args.width + i, count, parts);
  }
}

template <class T>
__global__ void __launch_bounds__(kStateBlock)
    squares_kernel(const NormTensor* tensors, WorkTable work, double* partial) {
  const int64_t index = tensor_of_block(work, blockIdx.x);
  const NormTensor tensor = tensors[index];
  const int64_t begin = (blockIdx.x - work.first[index]) * kWorkChunk;
  const int64_t end = begin + kWorkChunk < tensor.size ? begin + kWorkChunk : tensor.size;
  double sum = 0;
  for (int64_t i = begin + threadIdx.x * kRun; i < end; i += kStateBlock * kRun) {
    T values[kRun] = {};
    load_run(tensor.values, i, run_length(end - i), values);
#pragma unroll
    for (int k = 0; k < kRun; ++k) {
      const auto value = static_cast<double>(widen(values[k]));
      sum += value * value;
    }
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

__global__ void __launch_bounds__(kRowThreads)
    total_kernel(const double* partial, int64_t count, double* result) {
  double sum = 0;
  for (int64_t i = threadIdx.x; i < count; i += blockDim.x) sum += partial[i];
  sum = block_sum(sum);
  if (threadIdx.x == 0) *result = sum;
}

int64_t short_blocks(int64_t rows) { return (rows + kShortRowsPerBlock - 1) / kShortRowsPerBlock; }

bool fits_norm(const RmsNorm& args) { return args.width <= kNormThreads * kRunsPerThread * kRun; }

}  // namespace

extern "C" int unlearn_cuda_row_lse(const RowLogits* args, void* stream) {
  const auto kernel = is_bf16(args->dtype) ? row_lse_kernel<Bf16> : row_lse_kernel<float>;
  return launch(kernel, args->rows, kRowThreads, stream, *args);
}

extern "C" int unlearn_cuda_row_dlogits(const RowLogits* args, void* stream) {
  const auto kernel = is_bf16(args->dtype) ? row_dlogits_kernel<Bf16> : row_dlogits_kernel<float>;
  return launch(kernel, args->rows, kRowThreads, stream, *args);
}

extern "C" int unlearn_cuda_row_kl(const RowKl* args, void* stream) {
  const auto kernel = args->with_gradient ? row_kl_kernel<true> : row_kl_kernel<false>;
  return launch(kernel, args->rows, kRowThreads, stream, *args);
}

extern "C" int unlearn_cuda_rms_norm_forward(const RmsNorm* args, void* stream) {
  if (!fits_norm(*args)) return static_cast<int>(cudaErrorInvalidValue);
  if (args->width <= kShortRow) {
    const auto kernel =
        is_bf16(args->dtype) ? short_norm_forward_kernel<Bf16> : short_norm_forward_kernel<float>;
    return launch(kernel, short_blocks(args->rows), kNormThreads, stream, *args);
  }
  const auto kernel = is_bf16(args->dtype) ? norm_forward_kernel<Bf16> : norm_forward_kernel<float>;
  return launch(kernel, args->rows, kNormThreads, stream, *args);
}

extern "C" int unlearn_cuda_rms_norm_backward(const RmsNorm* args, void* stream) {
  if (!fits_norm(*args)) return static_cast<int>(cudaErrorInvalidValue);
  if (args->width <= kShortRow) {
    const auto kernel =
        is_bf16(args->dtype) ? short_norm_backward_kernel<Bf16> : short_norm_backward_kernel<float>;
    return launch(kernel, args->rows == 0 ? 0 : short_blocks(args->parts), kNormThreads, stream,
                  *args);
  }
  const auto kernel =
      is_bf16(args->dtype) ? norm_backward_kernel<Bf16> : norm_backward_kernel<float>;
  return launch(kernel, args->rows == 0 ? 0 : args->parts, kNormThreads, stream, *args);
}

extern "C" int unlearn_cuda_sum_squares(const NormTensor* tensors, const WorkTable* work,
                                        DType dtype, double* partial, double* result,
                                        void* stream) {
  const auto narrow_kernel = is_bf16(dtype) ? squares_kernel<Bf16> : squares_kernel<float>;
  const auto kernel = dtype == DType::kFloat64 ? squares_kernel<double> : narrow_kernel;
  const int status = launch(kernel, work->blocks, kStateBlock, stream, tensors, *work, partial);
  if (status != 0) return status;
  return launch(total_kernel, 1, kRowThreads, stream, partial, work->blocks, result);
}

extern "C" const char* unlearn_cuda_error(int code) {
  return cudaGetErrorString(static_cast<cudaError_t>(code));
}

}  // namespace unlearn::kernels
