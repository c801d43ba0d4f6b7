// GGUF's block formats: bytes against ggml's own C code, values against the gguf package
// (scripts/goldens/gguf_blocks.py), and the published golden block.
#include <gtest/gtest.h>

#include <cmath>

#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/core/files.h"
#include "unlearn/model/weight_format.h"

namespace unlearn::model {
namespace {

class GoldenGgufFormat : public ::testing::TestWithParam<std::string> {
 protected:
  static PackedMatrix pack_matrix(const torch::Tensor& matrix) {
    return PackedMatrix::pack(weight_format(GetParam(), "test"), matrix, "test");
  }
};

TEST_P(GoldenGgufFormat, BytesAndValuesAreThoseOfGgml) {
  const checkpoint::SafetensorsFile file(std::filesystem::path(UNLEARN_TEST_DIR) / "golden" /
                                         "checkpoint" / "gguf.safetensors");
  const PackedMatrix packed = pack_matrix(file.view("weights"));
  const torch::Tensor bytes = file.view(GetParam() + ".bytes");
  ASSERT_EQ(packed.parts.size(), 1U);
  const torch::Tensor differs = packed.parts[0] != bytes.view_as(packed.parts[0]);
  EXPECT_EQ(differs.sum().item<int64_t>(), 0) << differs.nonzero();
  EXPECT_TRUE(torch::equal(packed.unpack(), file.view(GetParam() + ".values")));
}

// A row that ends inside a block is one that is filled up with zeros.
TEST_P(GoldenGgufFormat, RowsThatEndInsideABlockAreFilledUp) {
  torch::manual_seed(2);
  const torch::Tensor matrix = torch::randn({3, 300});
  const torch::Tensor filled = torch::cat({matrix, torch::zeros({3, 212})}, 1);
  const PackedMatrix packed = pack_matrix(matrix);
  const int64_t stored = packed.parts[0].size(1);
  EXPECT_TRUE(torch::equal(packed.parts[0], pack_matrix(filled).parts[0].narrow(1, 0, stored)));
  EXPECT_TRUE(torch::equal(packed.unpack(), pack_matrix(filled).unpack().narrow(1, 0, 300)));
}

INSTANTIATE_TEST_SUITE_P(Formats, GoldenGgufFormat, ::testing::Values("q8_0", "q4_0", "q4_k"),
                         [](const auto& format) { return format.param; });

// x_i = ((37 i mod 101) - 50) / 64 (the published example): root mean square errors and hashes.
TEST(GoldenGgufExample, ErrorsAndHashes) {
  const torch::Tensor x =
      ((torch::arange(256) * 37).remainder(101) - 50).to(torch::kFloat).div(64).view({1, 256});
  struct Expected {
    std::string format, hash;
    double error;
  };
  for (const Expected& expected : {Expected{"q8_0", "ca268a61eccf", 0.001761106},
                                   {"q4_0", "", 0.030339814},
                                   {"q4_k", "65631364f0f2", 0.027134544}}) {
    const PackedMatrix packed =
        PackedMatrix::pack(weight_format(expected.format, "test"), x, "test");
    const double error = (packed.unpack() - x).square().mean(torch::kDouble).sqrt().item<double>();
    EXPECT_NEAR(error, expected.error, 5e-9) << expected.format;
    if (expected.hash.empty()) continue;
    const size_t first_block = expected.format == "q8_0" ? 34 : 144;
    const std::string bytes(reinterpret_cast<const char*>(packed.parts[0].const_data_ptr()),
                            first_block);
    EXPECT_EQ(sha256(bytes).substr(0, 12), expected.hash) << expected.format;
  }
}

}  // namespace
}  // namespace unlearn::model
