// A stand-in for CUDA's runtime that runs the kernels of src/kernels on the CPU, so that the code
// of every kernel is tested on machines without a GPU. Thread blocks run one after the other, the
// threads of a block as fibers that switch at barriers and shuffles, in orders that let single
// warps run ahead, so that a missing barrier shows as a wrong result; threads that wait for
// different barriers end the program. It covers what those kernels use, no more.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <functional>
#include <utility>

#define __global__
#define __device__
#define __launch_bounds__(threads)
#define __shared__ static  // one thread block runs at a time

struct dim3 {
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
  unsigned x, y, z;
};

namespace unlearn::emulation {

constexpr int kWarpThreads = 32;
constexpr unsigned kMostThreads = 1024;  // of a block
constexpr size_t kSlotBytes = 8;         // widest value that a shuffle moves

// Of the running thread.
struct Indices {
  dim3 thread, block, threads, blocks;
};
extern Indices indices;

void run(dim3 blocks, dim3 threads, const std::function<void()>& kernel);
// Return when all threads of the block, or of the warp, have called it.
void wait_for_block();
void wait_for_warp();
// Moves a value between the threads of a warp: left by this one, picked up from `lane` after all
// have left theirs.
void leave(const void* value, size_t bytes);
void pick_up(int lane, void* value, size_t bytes);

}  // namespace unlearn::emulation

// NOLINTBEGIN: CUDA's names
inline const dim3& threadIdx = unlearn::emulation::indices.thread;
inline const dim3& blockIdx = unlearn::emulation::indices.block;
inline const dim3& blockDim = unlearn::emulation::indices.threads;
inline const dim3& gridDim = unlearn::emulation::indices.blocks;

inline void __syncthreads() { unlearn::emulation::wait_for_block(); }

template <class T>
T __shfl_xor_sync(unsigned /*mask*/, T value, int lane_mask) {
  static_assert(sizeof(T) <= unlearn::emulation::kSlotBytes);
  const int lane = static_cast<int>(threadIdx.x) % unlearn::emulation::kWarpThreads;
  unlearn::emulation::leave(&value, sizeof value);
  unlearn::emulation::wait_for_warp();
  unlearn::emulation::pick_up(lane ^ lane_mask, &value, sizeof value);
  return value;
}

inline unsigned __reduce_max_sync(unsigned mask, unsigned value) {
  for (int offset = unlearn::emulation::kWarpThreads / 2; offset > 0; offset /= 2) {
    value = std::max(value, __shfl_xor_sync(mask, value, offset));
  }
  return value;
}
using std::max;

using cudaStream_t = void*;
enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1 };

struct cudaLaunchConfig_t {
  dim3 gridDim;
  dim3 blockDim;
  size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
};

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  const unsigned threads = config->blockDim.x;
  if (config->gridDim.x == 0 || threads == 0 || threads > unlearn::emulation::kMostThreads) {
    return cudaErrorInvalidValue;
  }
  unlearn::emulation::run(config->gridDim, config->blockDim, [&] { kernel(arguments...); });
  return cudaSuccess;
}

inline const char* cudaGetErrorString(cudaError_t code) {
  return code == cudaSuccess ? "no error" : "invalid argument";
}
// NOLINTEND
