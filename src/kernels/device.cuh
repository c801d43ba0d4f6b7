// What the CUDA kernels share.
#pragma once

#include <cuda_runtime.h>

#include <type_traits>

#include "unlearn/kernels/launchers.h"

namespace unlearn::kernels {

constexpr int kWarp = 32;

template <class T>
__device__ T warp_sum(T value) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    value += __shfl_xor_sync(0xFFFFFFFFU, value, offset);
  }
  return value;
}
__device__ inline uint32_t warp_maximum(uint32_t value) {
  return __reduce_max_sync(0xFFFFFFFFU, value);
}

// Over all threads of a block (a multiple of 32, at most 1024); every thread gets the result. The
// order of additions is fixed, so results are the same in every run.
template <class T>
__device__ T block_sum(T value) {
  __shared__ T parts[kWarp];
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  value = warp_sum(value);
  __syncthreads();  // an earlier call's readers are done
  if (lane == 0) parts[warp] = value;
  __syncthreads();
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  return warp_sum(lane < warps ? parts[lane] : T(0));
}
// Neighbouring elements that a thread moves at a time, in words of up to 16 bytes where the address
// allows. `count` of them exist, from 0 to kRun; loading leaves the others as they are.
constexpr int kRun = 8;
struct alignas(16) Word16 {
  uint32_t parts[4];
};
struct alignas(8) Word8 {
  uint32_t parts[2];
};
template <class T>
struct RunWords {
  using Word = std::conditional_t<(sizeof(T) * kRun >= sizeof(Word16)), Word16, Word8>;
  static constexpr size_t kBytes = sizeof(T) * kRun;
  static constexpr size_t kCount = kBytes / sizeof(Word);
  Word words[kCount];

  static __device__ bool fit(const T* at, int count) {
    return count == kRun && reinterpret_cast<uintptr_t>(at) % sizeof(Word) == 0;
  }
};
__device__ inline int run_length(int64_t left) {
  return left < 0 ? 0 : left < kRun ? static_cast<int>(left) : kRun;
}
template <class T>
__device__ void load_run(const void* from, int64_t i, int count, T (&values)[kRun]) {
  using Words = RunWords<T>;
  const T* at = static_cast<const T*>(from) + i;
  if (Words::fit(at, count)) {
    const auto* source = reinterpret_cast<const typename Words::Word*>(at);
    Words moved;
#pragma unroll
    for (size_t k = 0; k < Words::kCount; ++k) moved.words[k] = source[k];
    memcpy(values, moved.words, Words::kBytes);
  } else {
#pragma unroll
    for (int k = 0; k < kRun; ++k) {
      if (k < count) values[k] = at[k];
    }
  }
}
template <class T>
__device__ void store_run(void* to, int64_t i, int count, const T (&values)[kRun]) {
  using Words = RunWords<T>;
  T* at = static_cast<T*>(to) + i;
  if (Words::fit(at, count)) {
    auto* target = reinterpret_cast<typename Words::Word*>(at);
    Words moved;
    memcpy(moved.words, values, Words::kBytes);
#pragma unroll
    for (size_t k = 0; k < Words::kCount; ++k) target[k] = moved.words[k];
  } else {
#pragma unroll
    for (int k = 0; k < kRun; ++k) {
      if (k < count) at[k] = values[k];
    }
  }
}

// The tensor that a thread block of a WorkTable launch works on.
__device__ inline int64_t tensor_of_block(const WorkTable& work, int64_t block) {
  int64_t low = 0;
  int64_t high = work.tensors;
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    if (work.first[middle] <= block) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

inline bool is_bf16(DType dtype) { return dtype == DType::kBfloat16; }

// Thread blocks for so many items, at most 65536: kernels stride.
inline int64_t grid_size(int64_t items, int64_t per_block) {
  const int64_t blocks = (items + per_block - 1) / per_block;
  return blocks < 65536 ? blocks : 65536;
}

// A cudaError_t as a number; 0: launched, or nothing to do.
template <class... Parameters, class... Arguments>
int launch(void (*kernel)(Parameters...), int64_t blocks, int threads, void* stream,
           const Arguments&... arguments) {
  if (blocks == 0) return 0;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.stream = static_cast<cudaStream_t>(stream);
  return static_cast<int>(cudaLaunchKernelEx(&config, kernel, arguments...));
}

}  // namespace unlearn::kernels
