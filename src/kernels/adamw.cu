// AdamW over all tensors in one launch. Compiled without fused multiply-adds, so that it gives the
// bits of its CPU twin.
#include "kernels/device.cuh"

namespace unlearn::kernels {
namespace {

constexpr int kUpdateThreads = 256;
static_assert(kWarp * kRun == kStateBlock, "a warp codes one block of the state");

// What a thread works on at a time.
template <class T>
struct Run {
  T weight[kRun] = {};
  T first[kRun] = {};
  T second[kRun] = {};
};

template <State kState, class T>
__device__ void load_state(const AdamWTensor& tensor, int64_t i, int count, Run<T>& run) {
  if constexpr (kState == State::kWide) {
    load_run(tensor.first, i, count, run.first);
    load_run(tensor.second, i, count, run.second);
  } else if constexpr (kState == State::kBfloat16) {
    Bf16 first[kRun] = {};
    Bf16 second[kRun] = {};
    load_run(tensor.first, i, count, first);
    load_run(tensor.second, i, count, second);
#pragma unroll
    for (int k = 0; k < kRun; ++k) {
      run.first[k] = widen(first[k]);
      run.second[k] = widen(second[k]);
    }
  } else {
    uint8_t first[kRun] = {};
    uint8_t second[kRun] = {};
    load_run(tensor.first, i, count, first);
    load_run(tensor.second, i, count, second);
    const float first_scale = tensor.first_scale[i / kStateBlock];
    const float second_scale = tensor.second_scale[i / kStateBlock];
#pragma unroll
    for (int k = 0; k < kRun; ++k) {
      run.first[k] = decode_signed(first[k]) * first_scale;
      const float root = decode_magnitude<8>(second[k]) * second_scale;
      run.second[k] = root * root;
    }
  }
}

// kBlock8: all threads of the warp, which has one block of kStateBlock elements.
template <State kState, class T>
__device__ void store_state(const AdamWTensor& tensor, RandomKey key, int64_t i, int count,
                            const Run<T>& run) {
  const auto index = static_cast<uint64_t>(tensor.index + i);
  if constexpr (kState == State::kWide) {
    store_run(tensor.first, i, count, run.first);
    store_run(tensor.second, i, count, run.second);
  } else if constexpr (kState == State::kBfloat16) {
    Bf16 first[kRun];
    Bf16 second[kRun];
#pragma unroll
    for (int k = 0; k < kRun; ++k) {
      const uint32_t random = random_bits(key, index + k);
      first[k] = to_bf16_stochastic(run.first[k], random & 0xFFFFU);
      second[k] = to_bf16_stochastic(run.second[k], random >> 16);
    }
    store_run(tensor.first, i, count, first);
    store_run(tensor.second, i, count, second);
  } else {
    float root[kRun];
    uint32_t first_maximum = 0;
    uint32_t second_maximum = 0;
#pragma unroll
    for (int k = 0; k < kRun; ++k) {
      root[k] = sqrtf(run.second[k]);
      first_maximum = max(first_maximum, magnitude_bits(run.first[k]));
      second_maximum = max(second_maximum, magnitude_bits(root[k]));
    }
    const float first_scale = float_from_bits(warp_maximum(first_maximum));
    const float second_scale = float_from_bits(warp_maximum(second_maximum));
    if (count > 0 && i % kStateBlock == 0) {
      tensor.first_scale[i / kStateBlock] = first_scale;
      tensor.second_scale[i / kStateBlock] = second_scale;
    }
    const float to_first = inverse_scale(first_scale);
    const float to_second = inverse_scale(second_scale);
    uint8_t first[kRun];
    uint8_t second[kRun];
#pragma unroll
    for (int k = 0; k < kRun; ++k) {
      const uint32_t random = random_bits(key, index + k);
      first[k] = encode_signed(run.first[k] * to_first, random & 0xFFFFU);
      second[k] =
          static_cast<uint8_t>(encode_magnitude<8>(root[k] * to_second, random >> 16, true));
    }
    store_run(tensor.first, i, count, first);
    store_run(tensor.second, i, count, second);
  }
}

template <class Param, Master kMaster, class T>
__device__ void load_weights(const AdamWTensor& tensor, int64_t i, int count, Run<T>& run) {
  Param parameter[kRun] = {};
  load_run(tensor.parameter, i, count, parameter);
  int16_t remainder[kRun] = {};
  if constexpr (kMaster == Master::kSplit) load_run(tensor.remainder, i, count, remainder);
#pragma unroll
  for (int k = 0; k < kRun; ++k) {
    if constexpr (kMaster == Master::kSplit) {
      run.weight[k] = join_master(parameter[k], remainder[k]);
    } else {
      run.weight[k] = widen(parameter[k]);
    }
  }
}

template <class Param, Master kMaster, class T>
__device__ void store_weights(const AdamWTensor& tensor, RandomKey key, int64_t i, int count,
                              const Run<T>& run) {
  Param parameter[kRun];
  int16_t remainder[kRun];
#pragma unroll
  for (int k = 0; k < kRun; ++k) {
    if constexpr (kMaster == Master::kSplit) {
      split_master(run.weight[k], parameter[k], remainder[k]);
    } else if constexpr (kMaster == Master::kStochastic) {
      const uint32_t random = random_bits(key, static_cast<uint64_t>(tensor.index + i + k));
      parameter[k] = to_bf16_stochastic(run.weight[k], random & 0xFFFFU);
    } else {
      narrow(run.weight[k], parameter[k]);
    }
  }
  store_run(tensor.parameter, i, count, parameter);
  if constexpr (kMaster == Master::kSplit) store_run(tensor.remainder, i, count, remainder);
}

template <class Param, Master kMaster, State kState>
__global__ void __launch_bounds__(kUpdateThreads)
    adamw_kernel(const AdamWTensor* tensors, WorkTable work, AdamWNumbers numbers) {
  using T = typename Wide<Param>::type;
  if (!numbers.are_applied()) return;
  const int64_t index = tensor_of_block(work, blockIdx.x);
  const AdamWTensor tensor = tensors[index];
  const AdamWRule<T> rule(numbers, tensor.decay);
  const int64_t begin = (blockIdx.x - work.first[index]) * kWorkChunk;
  const int64_t end = begin + kWorkChunk < tensor.size ? begin + kWorkChunk : tensor.size;
  // The bound is the same for all threads of a warp: its first element.
  for (int64_t start = begin + threadIdx.x / kWarp * kStateBlock; start < end;
       start += kUpdateThreads * kRun) {
    const int64_t i = start + threadIdx.x % kWarp * kRun;
    const int count = run_length(end - i);
    Run<T> run;
    Param gradient[kRun] = {};
    load_weights<Param, kMaster>(tensor, i, count, run);
    load_run(tensor.gradient, i, count, gradient);
    load_state<kState>(tensor, i, count, run);
#pragma unroll
    for (int k = 0; k < kRun; ++k) {
      rule.apply(run.weight[k], widen(gradient[k]), run.first[k], run.second[k]);
    }
    store_weights<Param, kMaster>(tensor, numbers.weight_key, i, count, run);
    store_state<kState>(tensor, numbers.state_key, i, count, run);
  }
}

template <class Param, Master kMaster>
auto kernel_of(State state) {
  auto kernel = adamw_kernel<Param, kMaster, State::kWide>;
  if constexpr (sizeof(Param) < sizeof(double)) {
    if (state == State::kBfloat16) kernel = adamw_kernel<Param, kMaster, State::kBfloat16>;
    if (state == State::kBlock8) kernel = adamw_kernel<Param, kMaster, State::kBlock8>;
  }
  return kernel;
}

auto kernel_of(const AdamWLayout& layout) {
  if (layout.dtype == DType::kFloat64) return kernel_of<double, Master::kFull>(State::kWide);
  if (layout.dtype == DType::kFloat32) return kernel_of<float, Master::kFull>(layout.state);
  if (layout.master == Master::kSplit) return kernel_of<Bf16, Master::kSplit>(layout.state);
  if (layout.master == Master::kStochastic) {
    return kernel_of<Bf16, Master::kStochastic>(layout.state);
  }
  return kernel_of<Bf16, Master::kRounded>(layout.state);
}

}  // namespace

extern "C" int unlearn_cuda_adamw(const AdamWTensor* tensors, const WorkTable* work,
                                  const AdamWLayout* layout, const AdamWNumbers* numbers,
                                  void* stream) {
  return launch(kernel_of(*layout), work->blocks, kUpdateThreads, stream, tensors, *work, *numbers);
}

}  // namespace unlearn::kernels
