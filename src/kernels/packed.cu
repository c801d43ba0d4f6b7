// Packed matrices: one thread per byte of codes. Without fused multiply-adds it gives the bits of
// its CPU twin.
#include "device.cuh"

namespace unlearn::kernels {
namespace {

constexpr int kUnpackThreads = 256;

template <class T>
__global__ void __launch_bounds__(kUnpackThreads) unpack8_kernel(PackedMatrix args) {
  const auto* codes = static_cast<const int8_t*>(args.codes);
  const int64_t total = args.rows * args.columns;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x; i < total;
       i += stride) {
    narrow(static_cast<float>(codes[i]) * args.scales[i / args.columns],
           static_cast<T*>(args.out)[i]);
  }
}

template <class T>
__global__ void __launch_bounds__(kUnpackThreads) unpack4_kernel(PackedMatrix args) {
  __shared__ float levels[kLevels];
  if (threadIdx.x < kLevels) levels[threadIdx.x] = nf4_level(static_cast<int>(threadIdx.x));
  __syncthreads();
  const auto* codes = static_cast<const uint8_t*>(args.codes);
  T* out = static_cast<T*>(args.out);
  const int64_t total = args.rows * args.columns;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t byte = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x;
       byte < (total + 1) / 2; byte += stride) {
    const int64_t i = 2 * byte;
    const float peak = packed_peak(args, i / kPackedBlock);
    narrow(levels[codes[byte] >> 4] * peak, out[i]);
    if (i + 1 < total) narrow(levels[codes[byte] & 15] * peak, out[i + 1]);
  }
}

}  // namespace

extern "C" int unlearn_cuda_unpack(const PackedMatrix* args, void* stream) {
  const int64_t total = args->rows * args->columns;
  if (args->bits == 8) {
    const auto kernel = is_bf16(args->dtype) ? unpack8_kernel<Bf16> : unpack8_kernel<float>;
    return launch(kernel, grid_size(total, kUnpackThreads), kUnpackThreads, stream, *args);
  }
  const auto kernel = is_bf16(args->dtype) ? unpack4_kernel<Bf16> : unpack4_kernel<float>;
  return launch(kernel, grid_size((total + 1) / 2, kUnpackThreads), kUnpackThreads, stream, *args);
}

}  // namespace unlearn::kernels
