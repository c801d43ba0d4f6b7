// CPU twin of adamw.cu. Works on one block of kStateBlock elements at a time in local arrays, so
// that every loop is a plain one over floats that the compiler turns into vector code.
#include <algorithm>
#include <array>

#include "kernels/vector_versions.h"
#include "unlearn/kernels/adamw.h"

namespace unlearn::kernels {
namespace {

template <class T>
struct Block {
  std::array<T, kStateBlock> weight, first, second;
};

template <class Param, Master kMaster, class T>
UNLEARN_PORTABLE void load_weights(const AdamWTensor& tensor, int64_t begin, int count,
                                   Block<T>& block) {
  const auto* parameter = static_cast<const Param*>(tensor.parameter) + begin;
  for (int i = 0; i < count; ++i) {
    if constexpr (kMaster == Master::kSplit) {
      block.weight[i] = join_master(parameter[i], tensor.remainder[begin + i]);
    } else {
      block.weight[i] = widen(parameter[i]);
    }
  }
}

template <class Param, Master kMaster, class T>
UNLEARN_PORTABLE void store_weights(const AdamWTensor& tensor, RandomKey key, int64_t begin,
                                    int count, const Block<T>& block) {
  auto* parameter = static_cast<Param*>(tensor.parameter) + begin;
  const auto index = static_cast<uint64_t>(tensor.index + begin);
  for (int i = 0; i < count; ++i) {
    if constexpr (kMaster == Master::kSplit) {
      split_master(block.weight[i], parameter[i], tensor.remainder[begin + i]);
    } else if constexpr (kMaster == Master::kStochastic) {
      parameter[i] = to_bf16_stochastic(
          block.weight[i], random_bits(key, index + static_cast<uint64_t>(i)) & 0xFFFFU);
    } else {
      narrow(block.weight[i], parameter[i]);
    }
  }
}

template <State kState, class T>
UNLEARN_PORTABLE void load_state(const AdamWTensor& tensor, int64_t begin, int count,
                                 Block<T>& block) {
  if constexpr (kState == State::kWide) {
    std::copy_n(static_cast<const T*>(tensor.first) + begin, count, block.first.data());
    std::copy_n(static_cast<const T*>(tensor.second) + begin, count, block.second.data());
  } else if constexpr (kState == State::kBfloat16) {
    const auto* first = static_cast<const Bf16*>(tensor.first) + begin;
    const auto* second = static_cast<const Bf16*>(tensor.second) + begin;
    for (int i = 0; i < count; ++i) {
      block.first[i] = widen(first[i]);
      block.second[i] = widen(second[i]);
    }
  } else {
    const auto* first = static_cast<const uint8_t*>(tensor.first) + begin;
    const auto* second = static_cast<const uint8_t*>(tensor.second) + begin;
    const float first_scale = tensor.first_scale[begin / kStateBlock];
    const float second_scale = tensor.second_scale[begin / kStateBlock];
    for (int i = 0; i < count; ++i) {
      block.first[i] = decode_signed(first[i]) * first_scale;
      const float root = decode_magnitude<8>(second[i]) * second_scale;
      block.second[i] = root * root;
    }
  }
}

UNLEARN_PORTABLE float block_maximum(const std::array<float, kStateBlock>& values, int count) {
  uint32_t maximum = 0;
  for (int i = 0; i < count; ++i) maximum = std::max(maximum, magnitude_bits(values[i]));
  return float_from_bits(maximum);
}

template <State kState, class T>
UNLEARN_PORTABLE void store_state(const AdamWTensor& tensor, RandomKey key, int64_t begin,
                                  int count, Block<T>& block) {
  const auto index = static_cast<uint64_t>(tensor.index + begin);
  if constexpr (kState == State::kWide) {
    std::copy_n(block.first.data(), count, static_cast<T*>(tensor.first) + begin);
    std::copy_n(block.second.data(), count, static_cast<T*>(tensor.second) + begin);
  } else if constexpr (kState == State::kBfloat16) {
    auto* first = static_cast<Bf16*>(tensor.first) + begin;
    auto* second = static_cast<Bf16*>(tensor.second) + begin;
    for (int i = 0; i < count; ++i) {
      const uint32_t random = random_bits(key, index + static_cast<uint64_t>(i));
      first[i] = to_bf16_stochastic(block.first[i], random & 0xFFFFU);
      second[i] = to_bf16_stochastic(block.second[i], random >> 16);
    }
  } else {
    auto* first = static_cast<uint8_t*>(tensor.first) + begin;
    auto* second = static_cast<uint8_t*>(tensor.second) + begin;
    for (int i = 0; i < count; ++i) block.second[i] = std::sqrt(block.second[i]);
    const float first_scale = block_maximum(block.first, count);
    const float second_scale = block_maximum(block.second, count);
    tensor.first_scale[begin / kStateBlock] = first_scale;
    tensor.second_scale[begin / kStateBlock] = second_scale;
    const float to_first = inverse_scale(first_scale);
    const float to_second = inverse_scale(second_scale);
    for (int i = 0; i < count; ++i) {
      const uint32_t random = random_bits(key, index + static_cast<uint64_t>(i));
      first[i] = encode_signed(block.first[i] * to_first, random & 0xFFFFU);
      second[i] = static_cast<uint8_t>(
          encode_magnitude<8>(block.second[i] * to_second, random >> 16, true));
    }
  }
}

template <class Param, Master kMaster, State kState>
UNLEARN_PORTABLE void update(const AdamWTensor& tensor, const AdamWNumbers& numbers, int64_t begin,
                             int64_t end) {
  using T = typename Wide<Param>::type;
  const AdamWRule<T> rule(numbers, tensor.decay);
  const auto* gradient = static_cast<const Param*>(tensor.gradient);
  Block<T> block;
  for (int64_t start = begin; start < end; start += kStateBlock) {
    const int count = static_cast<int>(std::min<int64_t>(kStateBlock, end - start));
    load_weights<Param, kMaster>(tensor, start, count, block);
    load_state<kState>(tensor, start, count, block);
    for (int i = 0; i < count; ++i) {
      rule.apply(block.weight[i], widen(gradient[start + i]), block.first[i], block.second[i]);
    }
    store_weights<Param, kMaster>(tensor, numbers.weight_key, start, count, block);
    store_state<kState>(tensor, numbers.state_key, start, count, block);
  }
}

template <class Param, Master kMaster>
UNLEARN_PORTABLE void update_by_state(const AdamWTensor& tensor, State state,
                                      const AdamWNumbers& numbers, int64_t begin, int64_t end) {
  if (state == State::kWide) {
    update<Param, kMaster, State::kWide>(tensor, numbers, begin, end);
  } else if (state == State::kBfloat16) {
    update<Param, kMaster, State::kBfloat16>(tensor, numbers, begin, end);
  } else {
    update<Param, kMaster, State::kBlock8>(tensor, numbers, begin, end);
  }
}

UNLEARN_VECTOR_VERSIONS
void update_full(const AdamWTensor& tensor, State state, const AdamWNumbers& numbers, int64_t begin,
                 int64_t end) {
  update_by_state<float, Master::kFull>(tensor, state, numbers, begin, end);
}
UNLEARN_VECTOR_VERSIONS
void update_double(const AdamWTensor& tensor, const AdamWNumbers& numbers, int64_t begin,
                   int64_t end) {
  update<double, Master::kFull, State::kWide>(tensor, numbers, begin, end);
}
UNLEARN_VECTOR_VERSIONS
void update_split(const AdamWTensor& tensor, State state, const AdamWNumbers& numbers,
                  int64_t begin, int64_t end) {
  update_by_state<Bf16, Master::kSplit>(tensor, state, numbers, begin, end);
}
UNLEARN_VECTOR_VERSIONS
void update_stochastic(const AdamWTensor& tensor, State state, const AdamWNumbers& numbers,
                       int64_t begin, int64_t end) {
  update_by_state<Bf16, Master::kStochastic>(tensor, state, numbers, begin, end);
}
UNLEARN_VECTOR_VERSIONS
void update_rounded(const AdamWTensor& tensor, State state, const AdamWNumbers& numbers,
                    int64_t begin, int64_t end) {
  update_by_state<Bf16, Master::kRounded>(tensor, state, numbers, begin, end);
}

}  // namespace

void adamw_cpu(const AdamWTensor& tensor, const AdamWLayout& layout, const AdamWNumbers& numbers,
               int64_t begin, int64_t end) {
  if (!numbers.are_applied()) return;
  if (layout.dtype == DType::kFloat64) {
    update_double(tensor, numbers, begin, end);
    return;
  }
  switch (layout.master) {
    case Master::kFull:
      return update_full(tensor, layout.state, numbers, begin, end);
    case Master::kSplit:
      return update_split(tensor, layout.state, numbers, begin, end);
    case Master::kStochastic:
      return update_stochastic(tensor, layout.state, numbers, begin, end);
    case Master::kRounded:
      return update_rounded(tensor, layout.state, numbers, begin, end);
  }
}

}  // namespace unlearn::kernels
