// The dtypes of the safetensors format that LibTorch can hold.
#pragma once

#include <torch/types.h>

#include <array>
#include <optional>
#include <string_view>

namespace unlearn::checkpoint {

struct DtypeEntry {
  std::string_view name;
  torch::Dtype dtype;
};

// In the order of the reference implementation's enum, which its writer sorts by.
inline constexpr std::array<DtypeEntry, 10> kDtypes{{{"BOOL", torch::kBool},
                                                     {"U8", torch::kUInt8},
                                                     {"I8", torch::kInt8},
                                                     {"I16", torch::kInt16},
                                                     {"F16", torch::kFloat16},
                                                     {"BF16", torch::kBFloat16},
                                                     {"I32", torch::kInt32},
                                                     {"F32", torch::kFloat32},
                                                     {"F64", torch::kFloat64},
                                                     {"I64", torch::kInt64}}};

inline std::optional<torch::Dtype> find_dtype(std::string_view name) {
  for (const DtypeEntry& entry : kDtypes) {
    if (entry.name == name) return entry.dtype;
  }
  return std::nullopt;
}

}  // namespace unlearn::checkpoint
