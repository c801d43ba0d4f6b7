// CPU twins of fp8.cu.
#include <algorithm>

#include "unlearn/kernels/fp8.h"
#include "unlearn/kernels/state_code.h"

namespace unlearn::kernels {
namespace {

// `size` elements that lie `step` apart; their codes lie side by side.
template <class T>
void convert(const T* x, int64_t size, int64_t step, uint8_t* codes, float* scale) {
  uint32_t maximum = 0;
  for (int64_t i = 0; i < size; ++i)
    maximum = std::max(maximum, magnitude_bits(widen(x[i * step])));
  *scale = fp8_scale(float_from_bits(maximum));
  const float inverse = 1.0F / *scale;
  for (int64_t i = 0; i < size; ++i) codes[i] = to_e4m3(widen(x[i * step]) * inverse);
}

template <class T>
void rows(const Fp8Matrix& args, int64_t begin, int64_t end) {
  const T* x = static_cast<const T*>(args.x);
  for (int64_t row = begin; row < end; ++row) {
    convert(x + row * args.width, args.width, 1, args.codes + row * args.width, args.scale + row);
  }
}

template <class T>
void columns(const Fp8Matrix& args, int64_t begin, int64_t end) {
  const T* x = static_cast<const T*>(args.x);
  for (int64_t column = begin; column < end; ++column) {
    convert(x + column, args.rows, args.width, args.codes + column * args.rows,
            args.scale + column);
  }
}

}  // namespace

void fp8_rows_cpu(const Fp8Matrix& args, int64_t begin, int64_t end) {
  args.dtype == DType::kBfloat16 ? rows<Bf16>(args, begin, end) : rows<float>(args, begin, end);
}

void fp8_columns_cpu(const Fp8Matrix& args, int64_t begin, int64_t end) {
  args.dtype == DType::kBfloat16 ? columns<Bf16>(args, begin, end)
                                 : columns<float>(args, begin, end);
}

}  // namespace unlearn::kernels
