// Packed matrices against scripts/goldens/lora.py and quantise.py, which quantise with NumPy.
#include "unlearn/model/weight_format.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "model/fixtures.h"
#include "test_folder.h"
#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/model/lora.h"

namespace unlearn::model {
namespace {

namespace fs = std::filesystem;

torch::Tensor round_trip(const std::string& format, const torch::Tensor& matrix) {
  return PackedMatrix::pack(weight_format(format, "test"), matrix, "test").unpack();
}

TEST(GoldenWeightFormat, MatrixOfOddSize) {
  const checkpoint::SafetensorsFile file(fs::path(UNLEARN_TEST_DIR) / "golden" / "lora" /
                                         "matrix.safetensors");
  const torch::Tensor matrix = file.view("matrix");
  for (const int64_t bits : {8, 4}) {
    const auto packed =
        PackedMatrix::pack(*format_of_base_bits(bits, "bits"), matrix, "the matrix");
    const torch::Tensor expected = file.view(std::to_string(bits));
    EXPECT_LT((packed.unpack() - expected).abs().max().item<double>(), 1e-6) << bits;
    // 8 bits and a scale per row; 4.127 bits per element in blocks of 64.
    const double bits_stored = 8.0 * static_cast<double>(packed.bytes()) / 21070.0;
    EXPECT_LT(bits_stored, bits == 8 ? 8.11 : 4.14);
  }
}

// NF4's code rebuilt from quantiles by SciPy.
TEST(GoldenWeightFormat, RoundTrips) {
  const Json golden = read_json(UNLEARN_TEST_DIR "/golden/checkpoint/quantise.json");
  for (const Json& one : golden.at("cases")) {
    const auto tensor = [&](const char* name) {
      return torch::tensor(one.at(name).get<std::vector<double>>(), torch::kDouble)
          .view(one.at("shape").get<std::vector<int64_t>>());
    };
    const torch::Tensor weight = tensor("weight").to(torch::kFloat);
    for (const auto& [format, expected] : {std::pair{"int8", "int8"}, {"nf4_fp32", "nf4"}}) {
      const torch::Tensor rounded = round_trip(format, weight);
      EXPECT_TRUE(torch::allclose(rounded.to(torch::kDouble), tensor(expected), 1e-5, 1e-7));
      // Rounding what is rounded already changes nothing.
      EXPECT_TRUE(torch::allclose(round_trip(format, rounded), rounded)) << format;
    }
  }
}

class WeightFormatTest : public ::testing::TestWithParam<std::string> {
 protected:
  const WeightFormat& format_ = weight_format(GetParam(), "test");
};

TEST_P(WeightFormatTest, KeepsShapeDtypeZerosAndSize) {
  torch::manual_seed(5);
  for (const auto& [rows, columns] : {std::pair{37, 129}, {1, 1}, {70, 301}, {64, 128}}) {
    torch::Tensor matrix = torch::randn({rows, columns});
    if (rows > 3) matrix[3] = 0;
    const PackedMatrix packed = PackedMatrix::pack(format_, matrix, "test");
    EXPECT_EQ(packed.bytes(), format_.bytes(rows, columns));
    const torch::Tensor back = packed.unpack();
    EXPECT_EQ(back.sizes(), matrix.sizes());
    EXPECT_LT((back - matrix).norm().item<double>(), 0.2 * matrix.norm().item<double>());
    if (rows > 3 && columns % 64 == 0) {
      EXPECT_EQ(back[3].abs().max().item<double>(), 0.0);
    }
    for (const torch::Dtype dtype : {torch::kBFloat16, torch::kHalf, torch::kDouble}) {
      const PackedMatrix narrow = PackedMatrix::pack(format_, matrix.to(dtype), "test");
      EXPECT_EQ(narrow.unpack().scalar_type(), dtype);
      EXPECT_LT((narrow.unpack().to(torch::kFloat) - matrix).norm().item<double>(),
                0.2 * matrix.norm().item<double>());
    }
  }
}

TEST_P(WeightFormatTest, SurvivesAnAutogradContext) {
  const torch::Tensor matrix = torch::randn({5, 70});
  const PackedMatrix packed = PackedMatrix::pack(format_, matrix, "test");
  std::vector<torch::Tensor> tensors{matrix};
  PackedMatrix::Numbers numbers;
  packed.save(tensors, numbers);
  EXPECT_TRUE(torch::equal(PackedMatrix::restore(tensors, 1, numbers).unpack(), packed.unpack()));
}

TEST_P(WeightFormatTest, RefusesValuesThatAreNotFinite) {
  for (const double bad : {INFINITY, -INFINITY, NAN}) {
    torch::Tensor matrix = torch::ones({3, 5});
    matrix[1][2] = bad;
    try {
      PackedMatrix::pack(format_, matrix, "a.safetensors: tensor 'w'");
      FAIL() << bad << " was packed";
    } catch (const UserError& error) {
      EXPECT_NE(std::string(error.what()).find("tensor 'w': holds values that are not finite"),
                std::string::npos)
          << error.what();
    }
  }
}

// What `unlearn quantise` writes is what a frozen base in the same format computes with, in every
// family: GPT-2 stores its matrices the other way round.
TEST_P(WeightFormatTest, CopiesHoldWhatAFrozenBaseComputesWith) {
  for (const std::string variant : {"llama", "gpt2", "gpt_neox", "phi3", "gemma2"}) {
    const fs::path source = golden_folder() / variant;
    const TestFolder folder;
    const RoundingReport report =
        write_rounded_copy(source, format_, folder.path() / "copy", /*replace=*/false);
    EXPECT_GT(report.squared_error, 0.0);
    const auto copy = load_model(folder.path() / "copy", torch::kFloat32, torch::kCPU);
    const auto base = load_model(source, torch::kFloat32, torch::kCPU, &format_);
    merge_lora(*base);  // unpacks
    const auto rounded = load_model(source, torch::kFloat32, torch::kCPU);
    round_weights(*rounded, format_);
    const auto parameters = base->named_parameters(), in_memory = rounded->named_parameters();
    for (const auto& entry : copy->named_parameters()) {
      EXPECT_TRUE(torch::equal(entry.value(), parameters[entry.key()]))
          << variant << " " << entry.key();
      EXPECT_TRUE(torch::equal(entry.value(), in_memory[entry.key()]))
          << variant << " " << entry.key();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, WeightFormatTest, ::testing::ValuesIn(weight_format_names()),
                         [](const auto& format) { return format.param; });

// Folder and list say the same: a file that defines make_<name> is listed, and the other way round.
TEST(WeightFormatRegistry, EveryFileIsListed) {
  const fs::path folder = fs::path(UNLEARN_SOURCE_DIR) / "src" / "model" / "formats";
  std::set<std::string> listed, defined;
  std::istringstream lines(read_file(folder / "formats.def"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("FORMAT(")) listed.insert(line.substr(7, line.find(')') - 7));
  }
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string stem = entry.path().stem().string();
    const bool is_format =
        read_file(entry.path()).find("\nWeightFormat make_" + stem + "() {") != std::string::npos;
    if (is_format) defined.insert(stem);
  }
  EXPECT_EQ(defined, listed);
  const std::vector<std::string> names = weight_format_names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()), listed);
}

TEST(WeightFormatRegistry, NumbersMeanOneFormatEach) {
  std::set<int64_t> base, copy;
  for (const WeightFormat& format : weight_formats()) {
    EXPECT_TRUE(format.base_bits == 0 || base.insert(format.base_bits).second) << format.name;
    EXPECT_TRUE(format.copy_bits == 0 || copy.insert(format.copy_bits).second) << format.name;
  }
  EXPECT_EQ(format_of_base_bits(0, "bits"), nullptr);
  EXPECT_EQ(format_of_base_bits(4, "bits")->name, "nf4");
  EXPECT_EQ(format_of_copy_bits(4, "bits")->name, "nf4_fp32");
  EXPECT_EQ(format_key(nullptr), "0");
  EXPECT_EQ(format_key(format_of_base_bits(4, "bits")), "4");
  EXPECT_THROW(format_of_base_bits(3, "bits"), UserError);
  EXPECT_THROW(format_of_copy_bits(0, "bits"), UserError);
  EXPECT_THROW(weight_format("nf5", "format"), UserError);
}

}  // namespace
}  // namespace unlearn::model
