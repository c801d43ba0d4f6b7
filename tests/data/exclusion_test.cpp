// Rows that are left out, by number and by content.
#include "unlearn/data/exclusion.h"

#include <gtest/gtest.h>

#include "test_folder.h"

namespace unlearn::data {
namespace {

Example example_of(int64_t row, std::vector<int32_t> tokens, std::vector<int32_t> labels) {
  Example example;
  example.row = row;
  example.tokens = std::move(tokens);
  example.labels = std::move(labels);
  return example;
}

// sha256sum of "1 97 2", new line, "-100 97 2", new line.
constexpr const char* kHash = "0196161963e96998ac5f060f6ec316fc4bac39cc4d6c52afdd385da977b80b9b";
// Two examples of a row: "5 6", "-100 6", "7", "-100".
constexpr const char* kHashOfTwo =
    "563818bd2490ef48013d5cab2f751c1e1d76c1d50b6b6b823a016be52d762961";

Split rows() {
  return {"rows.jsonl",
          {example_of(0, {1, 97, 2}, {-100, 97, 2}), example_of(2, {1, 98, 2}, {-100, 98, 2}),
           example_of(5, {1, 97, 2}, {-100, 97, 2})}};
}

Split chunks() {
  Split split{
      "texts.jsonl",
      {example_of(0, {5, 6}, {-100, 6}), example_of(1, {7}, {-100}), example_of(2, {8}, {-100})},
      true};
  split.rows_of_chunks = {3, 3, 4};
  return split;
}

std::vector<int64_t> found(const Split& split, const std::vector<std::string>& entries) {
  return find_rows(row_hashes(split, "x"), read_row_names(entries, "x"), split.file, "x");
}

TEST(Exclusion, RowsAreNamedByNumberContentOrFile) {
  const TestFolder folder;
  EXPECT_EQ(row_hashes(rows(), "x").at(0), kHash);
  EXPECT_EQ(row_hashes(chunks(), "x").at(3), kHashOfTwo);
  EXPECT_EQ(found(rows(), {"2"}), (std::vector<int64_t>{2}));
  EXPECT_EQ(found(rows(), {"5, 0", "5"}), (std::vector<int64_t>{0, 5}));
  EXPECT_EQ(found(rows(), {kHash}), (std::vector<int64_t>{0, 5}));
  std::string upper = kHash;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  const auto file = folder.write("names", upper + "\n\n 2 \r\n").string();
  EXPECT_EQ(found(rows(), {file}), (std::vector<int64_t>{0, 2, 5}));
  EXPECT_EQ(examples_of_rows(chunks(), {3}, "x"), (std::vector<char>{1, 1, 0}));
  EXPECT_TRUE(holds_row_names("3\n17\n"));
  EXPECT_FALSE(holds_row_names("{\"question\": \"3\"}\n"));
  EXPECT_FALSE(holds_row_names("\n"));
}

TEST(Exclusion, WhatNamesNoRowIsRefused) {
  const TestFolder folder;
  const auto refused = [](const std::vector<std::string>& entries) {
    return refusal([&] { found(rows(), entries); });
  };
  EXPECT_EQ(refused({"1"}), "x: rows.jsonl has no row 1; it has the rows 0 to 5");
  EXPECT_NE(refused({"-1"}).find("'-1' is neither a row number"), std::string::npos);
  EXPECT_NE(refused({"99999999999999999999"}).find("neither"), std::string::npos);
  EXPECT_NE(refused({std::string(64, '0')}).find("has the content 000"), std::string::npos);
  const auto file = folder.write("names", "2\nno\n").string();
  EXPECT_NE(refused({file}).find("names:2: 'no' is neither"), std::string::npos);
  EXPECT_NE(refused({folder.write("empty", "\n").string()}).find("names no row"),
            std::string::npos);
  Split text = rows();
  text.is_chunked = true;
  EXPECT_NE(refusal([&] { row_hashes(text, "x"); }).find("one text in chunks"), std::string::npos);
}

}  // namespace
}  // namespace unlearn::data
