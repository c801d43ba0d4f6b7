#include "unlearn/checkpoint/safetensors.h"

#include <gtest/gtest.h>

#include <fstream>

#include "unlearn/core/error.h"
#include "unlearn/core/json.h"
#include "unlearn/core/rng.h"

namespace unlearn::checkpoint {
namespace {
namespace fs = std::filesystem;

// A folder of its own per test, since tests may run side by side.
class Safetensors : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) /
              cat("unlearn_safetensors_",
                  ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // A file with this header text and `data_bytes` zero bytes behind it.
  fs::path write_raw(const std::string& header, size_t data_bytes) const {
    std::string bytes(8, '\0');
    for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(header.size() >> (8 * i) & 0xff);
    write_file_atomic(folder_ / "raw.safetensors", bytes + header + std::string(data_bytes, '\0'));
    return folder_ / "raw.safetensors";
  }

  // The one-line message with which a file is refused.
  std::string refusal(const fs::path& path) const {
    try {
      const SafetensorsFile file(path);
    } catch (const UserError& error) {
      const std::string message = error.what();
      EXPECT_EQ(message.find('\n'), std::string::npos);
      EXPECT_NE(message.find(path.filename().string()), std::string::npos) << message;
      return message;
    }
    return "accepted";
  }

  fs::path folder_;
};

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return cat("\"", name, "\":{\"dtype\":\"", dtype, "\",\"shape\":", shape,
             ",\"data_offsets\":", offsets, "}");
}

std::vector<NamedTensor> every_dtype() {
  std::vector<NamedTensor> tensors;
  for (const auto dtype :
       {torch::kBool, torch::kUInt8, torch::kInt8, torch::kInt16, torch::kFloat16, torch::kBFloat16,
        torch::kInt32, torch::kFloat32, torch::kFloat64, torch::kInt64}) {
    tensors.push_back({dtype_name(dtype), torch::arange(6).reshape({2, 3}).to(dtype)});
  }
  tensors.push_back({"scalar", torch::tensor(2.5)});
  tensors.push_back({"empty", torch::empty({0, 4})});
  return tensors;
}

TEST_F(Safetensors, EveryDtypeComesBack) {
  write_safetensors(folder_ / "a.safetensors", every_dtype());
  const SafetensorsFile file(folder_ / "a.safetensors");
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(file.tensors().size(), 12U);
  for (const NamedTensor& expected : every_dtype()) {
    const torch::Tensor read = file.view(expected.name);
    EXPECT_EQ(read.scalar_type(), expected.tensor.scalar_type()) << expected.name;
    EXPECT_EQ(read.sizes(), expected.tensor.sizes()) << expected.name;
    EXPECT_TRUE(torch::equal(read, expected.tensor)) << expected.name;
  }
}

TEST_F(Safetensors, ViewsKeepTheMapAlive) {
  write_safetensors(folder_ / "a.safetensors", {{"x", torch::arange(10000).to(torch::kFloat32)}});
  torch::Tensor view;
  {
    const SafetensorsFile file(folder_ / "a.safetensors");
    view = file.view("x");
    EXPECT_EQ(view.const_data_ptr(), file.view("x").const_data_ptr());  // no copy
    file.release("x");
  }
  EXPECT_EQ(view.sum().item<double>(), 49995000.0);
}

TEST_F(Safetensors, UnalignedDataIsRead) {
  // A header of 3 bytes more than a multiple of 8, as older writers left it.
  std::string header = cat("{", entry("x", "F32", "[2]", "[0,8]"), "}");
  while (header.size() % 8 != 3) header += ' ';
  const SafetensorsFile file(write_raw(header, 8));
  EXPECT_TRUE(torch::equal(file.view("x"), torch::zeros(2)));
}

TEST_F(Safetensors, StridedTensorsAreWrittenInOrder) {
  const torch::Tensor x = torch::arange(6).reshape({2, 3}).t();
  write_safetensors(folder_ / "a.safetensors", {{"x", x}}, torch::kBFloat16);
  EXPECT_TRUE(torch::equal(SafetensorsFile(folder_ / "a.safetensors").view("x"), x));
}

TEST_F(Safetensors, PlannedTensorsAreMadeInTheirTurn) {
  std::vector<PlannedTensor> planned;
  std::vector<std::string> made;
  const std::vector<NamedTensor> tensors = every_dtype();
  for (const auto& [name, tensor] : tensors) {
    planned.push_back(
        {name, tensor.sizes().vec(), tensor.scalar_type(), [&made, own_name = name, own = tensor] {
           made.push_back(own_name);
           return own;
         }});
  }
  write_safetensors(folder_ / "planned.safetensors", planned);
  write_safetensors(folder_ / "at_once.safetensors", tensors);
  EXPECT_EQ(read_file(folder_ / "planned.safetensors"), read_file(folder_ / "at_once.safetensors"));
  sort_as_written(planned);
  ASSERT_EQ(made.size(), planned.size());
  for (size_t i = 0; i < made.size(); ++i) EXPECT_EQ(made[i], planned[i].name);
}

TEST_F(Safetensors, BadHeadersAreRefusedByName) {
  const auto with = [&](const std::string& header, size_t bytes) {
    return refusal(write_raw(cat("{", header, "}"), bytes));
  };
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_EQ(with(entry("x", "F32", "[2]", "[0,8]"), 8), "accepted");
  EXPECT_PRED2(has, with(entry("x", "F32", "[2]", "[0,8]"), 7), "tensor 'x'");
  EXPECT_PRED2(has, with(entry("x", "F32", "[2]", "[0,8]"), 9), "9 data bytes");
  EXPECT_PRED2(has, with(entry("x", "F8_E4M3", "[2]", "[0,2]"), 2), "F8_E4M3");
  EXPECT_PRED2(has, with(entry("x", "F32", "[3]", "[0,8]"), 8), "needs 12 bytes");
  EXPECT_PRED2(has, with(entry("x", "F32", "[2]", "[8,0]"), 8), "begin <= end");
  EXPECT_PRED2(has, with(entry("x", "F32", "[-2]", "[0,8]"), 8), "shape");
  EXPECT_PRED2(has, with(entry("x", "F32", "[2.0]", "[0,8]"), 8), "shape");
  EXPECT_PRED2(has, with(entry("x", "F32", "2", "[0,8]"), 8), "shape");
  EXPECT_PRED2(has, with(entry("x", "F32", "[4294967296,4294967296]", "[0,0]"), 0), "overflows");
  EXPECT_PRED2(has, with(entry("x", "U8", "[9223372036854775808]", "[0,0]"), 0), "shape");
  EXPECT_PRED2(has, with(entry("x", "F32", "[2]", "[0,8,8]"), 8), "data_offsets");
  EXPECT_PRED2(has, with("\"x\":{\"shape\":[],\"data_offsets\":[0,4]}", 4), "no dtype");
  EXPECT_PRED2(has, with("\"x\":3", 4), "'x'");
  EXPECT_PRED2(has, with("\"__metadata__\":{\"format\":1}", 0), "__metadata__");
  EXPECT_PRED2(has, with("\"__metadata__\":[]", 0), "__metadata__");
  EXPECT_EQ(with("\"__metadata__\":null", 0), "accepted");  // as the reference reader does
  const std::string x = entry("x", "U8", "[4]", "[0,4]");
  EXPECT_PRED2(has, with(x + "," + x, 4), "twice");
  EXPECT_PRED2(has, with(x + "," + entry("y", "U8", "[4]", "[2,6]"), 6), "overlap");
  EXPECT_PRED2(has, with(x + "," + entry("y", "U8", "[4]", "[5,9]"), 9), "hole");
  EXPECT_PRED2(has, refusal(write_raw(cat("{", x, "}", std::string(1, '\0'), "junk"), 4)),
               "NUL byte at byte");
  EXPECT_PRED2(has, refusal(write_raw("[1]", 0)), "'{'");
  EXPECT_PRED2(has, refusal(write_raw("{\"x\"", 0)), "JSON");
  EXPECT_PRED2(has, refusal(write_raw("", 0)), "'{'");
  EXPECT_PRED2(has, refusal(write_raw(std::string(5000, '{'), 0)), "header");
}

TEST_F(Safetensors, ShortFilesAreRefused) {
  write_safetensors(folder_ / "a.safetensors", every_dtype());
  const std::string whole = read_file(folder_ / "a.safetensors");
  for (size_t length = 0; length < whole.size(); length += length < 16 ? 1 : 37) {
    write_file_atomic(folder_ / "short.safetensors", whole.substr(0, length));
    EXPECT_NE(refusal(folder_ / "short.safetensors"), "accepted") << length;
  }
}

// Damaged headers are refused with a UserError or read as some other valid file; nothing else.
TEST_F(Safetensors, ThousandsOfMutatedFilesNeverCrash) {
  write_safetensors(folder_ / "a.safetensors", every_dtype());
  const std::string whole = read_file(folder_ / "a.safetensors");
  const size_t header = whole.find("}}") + 2;
  const std::string alphabet = "0123456789-.eE\"{}[],: \\\xff\x01nulltrue";
  Rng rng(7);
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = whole;
    for (int64_t edits = 1 + rng.below(4); edits > 0; --edits) {
      const auto at = static_cast<size_t>(rng.below(static_cast<int64_t>(header)));
      const char letter =
          alphabet[static_cast<size_t>(rng.below(static_cast<int64_t>(alphabet.size())))];
      switch (rng.below(4)) {
        case 0:
          bytes[at] = letter;
          break;
        case 1:
          bytes.insert(at, 1, letter);
          break;
        case 2:
          bytes.erase(at, static_cast<size_t>(1 + rng.below(9)));
          break;
        default:
          bytes[at] = static_cast<char>(rng.next() & 0xff);
      }
    }
    std::ofstream(folder_ / "mutated.safetensors", std::ios::binary) << bytes;
    try {
      const SafetensorsFile file(folder_ / "mutated.safetensors");
      for (const auto& [name, info] : file.tensors()) {
        ASSERT_EQ(file.view(name).numel(), info.elements());
        file.view(name).sum();
      }
    } catch (const UserError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 2000);
}

TEST_F(Safetensors, ShardsAreFoundThroughTheIndex) {
  std::vector<NamedTensor> tensors;
  for (int i = 0; i < 5; ++i) tensors.push_back({cat("t", i), torch::full({10}, i)});
  for (NamedTensor& tensor : tensors) tensor.tensor = tensor.tensor.to(torch::kFloat32);
  write_tensor_folder(folder_, tensors, torch::kFloat32, 80);
  EXPECT_TRUE(fs::exists(folder_ / "model-00003-of-00003.safetensors"));
  const Json index = read_json(folder_ / "model.safetensors.index.json");
  EXPECT_EQ(index.at("metadata").at("total_size"), 200);
  EXPECT_EQ(index.at("weight_map").at("t4"), "model-00003-of-00003.safetensors");
  const TensorStore store(folder_);
  EXPECT_EQ(store.names().size(), 5U);
  for (const NamedTensor& expected : tensors) {
    EXPECT_TRUE(torch::equal(store.view(expected.name), expected.tensor));
  }
}

TEST_F(Safetensors, ABrokenIndexIsRefused) {
  const auto refused = [&](const std::string& part) {
    try {
      const TensorStore store(folder_);
    } catch (const UserError& error) {
      return std::string(error.what()).find(part) != std::string::npos;
    }
    return false;
  };
  const fs::path index = folder_ / "model.safetensors.index.json";
  EXPECT_TRUE(refused("has neither model.safetensors nor"));
  write_file_atomic(folder_ / "pytorch_model.bin", "");
  EXPECT_TRUE(refused("pickled"));
  write_safetensors(folder_ / "a.safetensors", {{"x", torch::zeros(2)}, {"y", torch::zeros(2)}});
  write_file_atomic(index, "{}");
  EXPECT_TRUE(refused("weight_map"));
  write_file_atomic(index, R"({"weight_map": {"x": "../a.safetensors"}})");
  EXPECT_TRUE(refused("plain file name"));
  write_file_atomic(index, R"({"weight_map": {"x": "b.safetensors"}})");
  EXPECT_TRUE(refused("b.safetensors, which is not there"));
  write_file_atomic(index, R"({"weight_map": {"z": "a.safetensors"}})");
  EXPECT_TRUE(refused("tensor 'z', but it does not"));
  write_file_atomic(index, R"({"weight_map": {"x": "a.safetensors"}})");
  EXPECT_FALSE(refused(""));
  write_safetensors(folder_ / "b.safetensors", {{"y", torch::zeros(2)}});
  write_file_atomic(index, R"({"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}})");
  EXPECT_TRUE(refused("b.safetensors: holds tensor 'y', which a.safetensors holds, too"));
}

// transformers reads all tensors of the shards that the index names.
TEST_F(Safetensors, TensorsThatTheIndexDoesNotPlaceAreReadAndTold) {
  write_safetensors(folder_ / "a.safetensors", {{"x", torch::zeros(2)}, {"y", torch::ones(3)}});
  write_safetensors(folder_ / "b.safetensors", {{"z", torch::zeros(4)}});
  const fs::path index = folder_ / "model.safetensors.index.json";
  write_file_atomic(index, R"({"weight_map": {"x": "b.safetensors", "z": "b.safetensors"}})");
  EXPECT_THROW(TensorStore{folder_}, UserError);  // no shard named has x
  write_file_atomic(index, R"({"weight_map": {"x": "b.safetensors", "w": "a.safetensors"}})");
  EXPECT_THROW(TensorStore{folder_}, UserError);  // w is nowhere
  write_file_atomic(index, R"({"weight_map": {"x": "a.safetensors", "z": "a.safetensors",
                                              "y": "b.safetensors"}})");
  const TensorStore store(folder_);
  EXPECT_EQ(store.names(), (std::vector<std::string>{"x", "y", "z"}));
  EXPECT_TRUE(torch::equal(store.view("y"), torch::ones(3)));
  EXPECT_EQ(store.oddities(),
            (std::vector<std::string>{"a.safetensors holds tensor 'y', which "
                                      "model.safetensors.index.json puts into b.safetensors",
                                      "b.safetensors holds tensor 'z', which "
                                      "model.safetensors.index.json puts into a.safetensors"}));
  write_file_atomic(index, R"({"weight_map": {"x": "a.safetensors", "z": "b.safetensors"}})");
  EXPECT_EQ(TensorStore(folder_).oddities(),
            (std::vector<std::string>{"a.safetensors holds tensor 'y', which "
                                      "model.safetensors.index.json does not name"}));
}

// Neither NaN nor infinities are stored, nor what a narrower dtype makes one of.
TEST_F(Safetensors, WhatIsNotFiniteIsNotSaved) {
  const fs::path file = folder_ / "x.safetensors";
  const auto said = [&](const torch::Tensor& tensor, torch::Dtype dtype) -> std::string {
    try {
      write_safetensors(file, {{"w", tensor}}, dtype);
    } catch (const NonFiniteError& error) {
      EXPECT_FALSE(fs::exists(file));
      EXPECT_TRUE(fs::is_empty(folder_));
      return error.what();
    }
    fs::remove(file);
    return "saved";
  };
  constexpr int64_t kLarge = (int64_t{9} << 20) / 4;  // more than one part
  for (const torch::Dtype dtype : {torch::kFloat, torch::kBFloat16, torch::kHalf, torch::kDouble}) {
    for (const double value :
         {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
          -std::numeric_limits<double>::infinity()}) {
      for (const int64_t place : {int64_t{0}, kLarge / 2, kLarge - 1}) {
        torch::Tensor tensor = torch::ones({kLarge}, dtype);
        tensor[place] = value;
        EXPECT_NE(said(tensor, dtype).find("tensor 'w' holds NaN or infinities"),
                  std::string::npos);
      }
    }
    const torch::Tensor bounds = torch::tensor({65504.0, -65504.0, 1e-30, 0.0}).to(dtype);
    EXPECT_EQ(said(bounds, dtype), "saved");
  }
  const torch::Tensor wide = torch::tensor({1.0, 65520.0});
  EXPECT_NE(said(wide, torch::kHalf).find("holds numbers too large for F16"), std::string::npos);
  EXPECT_EQ(said(wide, torch::kBFloat16), "saved");
  EXPECT_EQ(said(torch::full({3}, -1, torch::kLong), torch::kFloat), "saved");
}

// The fixtures were written by the reference implementation.
TEST_F(Safetensors, FilesEqualTheReferenceWritersByteForByte) {
  const fs::path golden = fs::path(UNLEARN_TEST_DIR) / "golden" / "model";
  int compared = 0;
  for (const auto& variant : fs::directory_iterator(golden)) {
    const fs::path source = variant.path() / "model.safetensors";
    if (!fs::exists(source)) continue;
    const SafetensorsFile file(source);
    std::vector<NamedTensor> tensors;
    for (const auto& [name, info] : file.tensors()) tensors.push_back({name, file.view(name)});
    write_safetensors(folder_ / "copy.safetensors", tensors);
    EXPECT_EQ(read_file(folder_ / "copy.safetensors"), read_file(source)) << source;
    ++compared;
  }
  EXPECT_GE(compared, 4);
}

}  // namespace
}  // namespace unlearn::checkpoint
