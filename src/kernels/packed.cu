// Packed matrices: kRun elements per thread. Without fused multiply-adds it gives the bits of its
// CPU twin.
#include "kernels/device.cuh"

namespace unlearn::kernels {
namespace {

constexpr int kUnpackThreads = 256;

// One thread block per row: all of it has one scale.
template <class T>
__global__ void __launch_bounds__(kUnpackThreads) unpack8_kernel(PackedMatrix args) {
  const int64_t row = blockIdx.x;
  const int64_t at = row * args.columns;
  const float scale = args.scales[row];
  for (int64_t i = threadIdx.x * kRun; i < args.columns; i += kUnpackThreads * kRun) {
    const int count = run_length(args.columns - i);
    int8_t codes[kRun] = {};
    T out[kRun];
    load_run(args.codes, at + i, count, codes);
#pragma unroll
    for (int k = 0; k < kRun; ++k) narrow(static_cast<float>(codes[k]) * scale, out[k]);
    store_run(args.out, at + i, count, out);
  }
}

// A run lies in one block of kPackedBlock elements: all of it has one peak.
template <class T>
__global__ void __launch_bounds__(kUnpackThreads) unpack4_kernel(PackedMatrix args) {
  static_assert(kPackedBlock % kRun == 0);
  __shared__ float levels[kLevels];
  if (threadIdx.x < kLevels) levels[threadIdx.x] = nf4_level(static_cast<int>(threadIdx.x));
  __syncthreads();
  const auto* codes = static_cast<const uint8_t*>(args.codes);
  const int64_t total = args.rows * args.columns;
  const int64_t step = static_cast<int64_t>(gridDim.x) * kUnpackThreads * kRun;
  for (int64_t i = (blockIdx.x * static_cast<int64_t>(kUnpackThreads) + threadIdx.x) * kRun;
       i < total; i += step) {
    const int count = run_length(total - i);
    const float peak = packed_peak(args, i / kPackedBlock);
    T out[kRun];
#pragma unroll
    for (int k = 0; k < kRun; k += 2) {
      const unsigned pair = k < count ? codes[(i + k) / 2] : 0;
      narrow(levels[pair >> 4] * peak, out[k]);
      narrow(levels[pair & 15] * peak, out[k + 1]);
    }
    store_run(args.out, i, count, out);
  }
}

}  // namespace

extern "C" int unlearn_cuda_unpack(const PackedMatrix* args, void* stream) {
  const int64_t total = args->rows * args->columns;
  if (args->bits == 8) {
    const auto kernel = is_bf16(args->dtype) ? unpack8_kernel<Bf16> : unpack8_kernel<float>;
    return launch(kernel, args->columns == 0 ? 0 : args->rows, kUnpackThreads, stream, *args);
  }
  const auto kernel = is_bf16(args->dtype) ? unpack4_kernel<Bf16> : unpack4_kernel<float>;
  return launch(kernel, grid_size(total, kUnpackThreads * kRun), kUnpackThreads, stream, *args);
}

}  // namespace unlearn::kernels
