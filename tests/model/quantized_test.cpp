// Packed matrices against scripts/goldens/lora.py, which quantises the same matrix with NumPy.
#include "model/quantized.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "unlearn/checkpoint/safetensors.h"

namespace unlearn::model {
namespace {

const std::filesystem::path kMatrix =
    std::filesystem::path(UNLEARN_TEST_DIR) / "golden" / "lora" / "matrix.safetensors";

TEST(GoldenQuantized, MatrixOfOddSize) {
  const checkpoint::SafetensorsFile file(kMatrix);
  const torch::Tensor matrix = file.view("matrix");
  for (const int64_t bits : {8, 4}) {
    const auto packed = QuantizedMatrix::quantize(matrix, bits);
    const torch::Tensor expected = file.view(std::to_string(bits));
    EXPECT_LT((packed.dequantize() - expected).abs().max().item<double>(), 1e-6) << bits;
    EXPECT_EQ(packed.dequantize()[3].abs().max().item<double>(), 0.0);  // a row of zeros
    EXPECT_EQ(packed.bytes(), QuantizedMatrix::bytes_of(matrix.size(0), matrix.size(1), bits));
    // 8 bits and a scale per row; 4.127 bits per element in blocks of 64.
    const double bits_stored = 8.0 * static_cast<double>(packed.bytes()) / 21070.0;
    EXPECT_LT(bits_stored, bits == 8 ? 8.11 : 4.14);
  }
}

TEST(Quantized, KeepsTheModelsDtype) {
  const torch::Tensor matrix = torch::randn({64, 128}).to(torch::kBFloat16);
  const torch::Tensor once = QuantizedMatrix::quantize(matrix, 8).dequantize();
  EXPECT_EQ(once.scalar_type(), torch::kBFloat16);
  EXPECT_LT((once - matrix).abs().max().item<double>(), 0.03);
}

}  // namespace
}  // namespace unlearn::model
