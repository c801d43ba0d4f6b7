// Conversion of matrices to e4m3, by rows and, turned, by columns.
#include "kernels/device.cuh"
#include "unlearn/kernels/fp8.h"

namespace unlearn::kernels {
namespace {

constexpr int kThreads = 256;
// A tile of the turned matrix: each warp reads rows of kTile neighbouring columns and writes
// columns of kTile neighbouring rows.
constexpr int kTile = kWarp;
constexpr int kTileRows = kThreads / kTile;

// Over all threads of a block.
__device__ uint32_t block_maximum(uint32_t value) {
  __shared__ uint32_t parts[kThreads / kWarp];
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  value = warp_maximum(value);
  if (lane == 0) parts[threadIdx.x / kWarp] = value;
  __syncthreads();
  return warp_maximum(lane < kThreads / kWarp ? parts[lane] : 0U);
}

// A thread block a row, which it reads twice: the second time from the cache.
template <class T>
__global__ void __launch_bounds__(kThreads) fp8_rows_kernel(Fp8Matrix args) {
  const int64_t row = blockIdx.x;
  const int64_t at = row * args.width;
  uint32_t maximum = 0;
  for (int64_t i = threadIdx.x * kRun; i < args.width; i += kThreads * kRun) {
    T x[kRun] = {};
    load_run(args.x, at + i, run_length(args.width - i), x);
#pragma unroll
    for (int k = 0; k < kRun; ++k) maximum = max(maximum, magnitude_bits(widen(x[k])));
  }
  const float scale = fp8_scale(float_from_bits(block_maximum(maximum)));
  const float inverse = 1.0F / scale;
  if (threadIdx.x == 0) args.scale[row] = scale;
  for (int64_t i = threadIdx.x * kRun; i < args.width; i += kThreads * kRun) {
    const int count = run_length(args.width - i);
    T x[kRun] = {};
    uint8_t codes[kRun];
    load_run(args.x, at + i, count, x);
#pragma unroll
    for (int k = 0; k < kRun; ++k) codes[k] = to_e4m3(widen(x[k]) * inverse);
    store_run(args.codes, at + i, count, codes);
  }
}

// A thread block a strip of kTile columns.
template <class T>
__global__ void __launch_bounds__(kThreads) fp8_columns_kernel(Fp8Matrix args) {
  __shared__ uint32_t maxima[kTileRows][kTile];
  __shared__ uint8_t tile[kTile][kTile + 4];  // [column][row]; odd words apart
  const T* x = static_cast<const T*>(args.x);
  const int lane = static_cast<int>(threadIdx.x) % kTile;
  const int warp = static_cast<int>(threadIdx.x) / kTile;
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kTile;
  const int64_t column = first + lane;
  const bool is_inside = column < args.width;
  uint32_t maximum = 0;
  for (int64_t row = warp; row < args.rows; row += kTileRows) {
    if (is_inside) maximum = max(maximum, magnitude_bits(widen(x[row * args.width + column])));
  }
  maxima[warp][lane] = maximum;
  __syncthreads();
  for (int w = 0; w < kTileRows; ++w) maximum = max(maximum, maxima[w][lane]);
  const float scale = fp8_scale(float_from_bits(maximum));
  const float inverse = 1.0F / scale;
  if (warp == 0 && is_inside) args.scale[column] = scale;
  for (int64_t top = 0; top < args.rows; top += kTile) {
    for (int r = warp; r < kTile; r += kTileRows) {
      const bool exists = is_inside && top + r < args.rows;
      tile[lane][r] = exists ? to_e4m3(widen(x[(top + r) * args.width + column]) * inverse) : 0;
    }
    __syncthreads();
    for (int c = warp; c < kTile; c += kTileRows) {
      if (first + c < args.width && top + lane < args.rows) {
        args.codes[(first + c) * args.rows + top + lane] = tile[c][lane];
      }
    }
    __syncthreads();  // before the next tile takes its place
  }
}

}  // namespace

extern "C" int unlearn_cuda_fp8_rows(const Fp8Matrix* args, void* stream) {
  const auto kernel = is_bf16(args->dtype) ? fp8_rows_kernel<Bf16> : fp8_rows_kernel<float>;
  return launch(kernel, args->width == 0 ? 0 : args->rows, kThreads, stream, *args);
}

extern "C" int unlearn_cuda_fp8_columns(const Fp8Matrix* args, void* stream) {
  const auto kernel = is_bf16(args->dtype) ? fp8_columns_kernel<Bf16> : fp8_columns_kernel<float>;
  const int64_t strips = (args->width + kTile - 1) / kTile;
  return launch(kernel, args->rows == 0 ? 0 : strips, kThreads, stream, *args);
}

}  // namespace unlearn::kernels
