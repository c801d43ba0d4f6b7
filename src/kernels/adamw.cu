// AdamW over all tensors in one launch. Compiled without fused multiply-adds, so that it gives the
// bits of its CPU twin.
#include "device.cuh"

namespace unlearn::kernels {
namespace {

// Codes m and sqrt(v) of one block of kStateBlock elements, one per thread; all threads call it.
__device__ void store_block8(const AdamWTensor& tensor, RandomKey key, int64_t i, bool is_active,
                             float first, float second) {
  const float root = is_active ? sqrtf(second) : 0.0F;
  const float first_maximum = block_maximum(is_active ? fabsf(first) : 0.0F);
  const float second_maximum = block_maximum(root);
  if (!is_active) return;
  if (threadIdx.x == 0) {
    tensor.first_scale[i / kStateBlock] = first_maximum;
    tensor.second_scale[i / kStateBlock] = second_maximum;
  }
  const uint32_t random = random_bits(key, static_cast<uint64_t>(tensor.index + i));
  const float first_share = first_maximum > 0 ? first / first_maximum : 0.0F;
  const float second_share = second_maximum > 0 ? root / second_maximum : 0.0F;
  static_cast<uint8_t*>(tensor.first)[i] = encode_signed(first_share, random & 0xFFFFU);
  static_cast<uint8_t*>(tensor.second)[i] =
      static_cast<uint8_t>(encode_magnitude<8>(second_share, random >> 16, true));
}

template <State kState, class T>
__device__ void load_state(const AdamWTensor& tensor, int64_t i, T& first, T& second) {
  if constexpr (kState == State::kWide) {
    first = static_cast<const T*>(tensor.first)[i];
    second = static_cast<const T*>(tensor.second)[i];
  } else if constexpr (kState == State::kBfloat16) {
    first = widen(static_cast<const Bf16*>(tensor.first)[i]);
    second = widen(static_cast<const Bf16*>(tensor.second)[i]);
  } else {
    first = decode_signed(static_cast<const uint8_t*>(tensor.first)[i]) *
            tensor.first_scale[i / kStateBlock];
    const float root = decode_magnitude<8>(static_cast<const uint8_t*>(tensor.second)[i]) *
                       tensor.second_scale[i / kStateBlock];
    second = root * root;
  }
}

template <State kState, class T>
__device__ void store_state(const AdamWTensor& tensor, RandomKey key, int64_t i, T first,
                            T second) {
  if constexpr (kState == State::kWide) {
    static_cast<T*>(tensor.first)[i] = first;
    static_cast<T*>(tensor.second)[i] = second;
  } else {
    const uint32_t random = random_bits(key, static_cast<uint64_t>(tensor.index + i));
    static_cast<Bf16*>(tensor.first)[i] = to_bf16_stochastic(first, random & 0xFFFFU);
    static_cast<Bf16*>(tensor.second)[i] = to_bf16_stochastic(second, random >> 16);
  }
}

template <class Param, Master kMaster, class T>
__device__ T load_weight(const AdamWTensor& tensor, int64_t i) {
  const Param value = static_cast<const Param*>(tensor.parameter)[i];
  if constexpr (kMaster == Master::kSplit) return join_master(value, tensor.remainder[i]);
  return widen(value);
}

template <class Param, Master kMaster, class T>
__device__ void store_weight(const AdamWTensor& tensor, RandomKey key, int64_t i, T weight) {
  Param& value = static_cast<Param*>(tensor.parameter)[i];
  if constexpr (kMaster == Master::kSplit) {
    split_master(weight, value, tensor.remainder[i]);
  } else if constexpr (kMaster == Master::kStochastic) {
    const uint32_t random = random_bits(key, static_cast<uint64_t>(tensor.index + i));
    value = to_bf16_stochastic(weight, random & 0xFFFFU);
  } else {
    narrow(weight, value);
  }
}

template <class Param, Master kMaster, State kState>
__global__ void __launch_bounds__(kStateBlock)
    adamw_kernel(const AdamWTensor* tensors, WorkTable work, AdamWNumbers numbers) {
  using T = typename Wide<Param>::type;
  const int64_t index = tensor_of_block(work, blockIdx.x);
  const AdamWTensor tensor = tensors[index];
  const AdamWRule<T> rule(numbers, tensor.decay);
  const int64_t begin = (blockIdx.x - work.first[index]) * kWorkChunk;
  const int64_t end = begin + kWorkChunk < tensor.size ? begin + kWorkChunk : tensor.size;
  for (int64_t start = begin; start < end; start += kStateBlock) {
    const int64_t i = start + threadIdx.x;
    const bool is_active = i < end;
    T first = 0;
    T second = 0;
    if (is_active) {
      T weight = load_weight<Param, kMaster, T>(tensor, i);
      load_state<kState, T>(tensor, i, first, second);
      rule.apply(weight, widen(static_cast<const Param*>(tensor.gradient)[i]), first, second);
      store_weight<Param, kMaster, T>(tensor, numbers.weight_key, i, weight);
    }
    if constexpr (kState == State::kBlock8) {
      store_block8(tensor, numbers.state_key, i, is_active, first, second);
    } else if (is_active) {
      store_state<kState, T>(tensor, numbers.state_key, i, first, second);
    }
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
  return launch(kernel_of(*layout), work->blocks, kStateBlock, stream, tensors, *work, *numbers);
}

}  // namespace unlearn::kernels
