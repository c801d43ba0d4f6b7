// Tokenizers with the structure of every model family's tokenizer.json against `tokenizers`
// (scripts/goldens/family_tokenizers.py).
#include <gtest/gtest.h>

#include <filesystem>

#include "unlearn/core/json.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::tokenizer {
namespace {

std::filesystem::path family_folder() {
  return std::filesystem::path(UNLEARN_TEST_DIR) / "golden" / "family_tokenizers";
}

std::vector<std::string> families_with_goldens() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(family_folder())) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  return names;
}

class GoldenFamilyTokenizer : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenFamilyTokenizer, IdsAndTextsAreThoseOfTheReference) {
  const auto tokenizer = load_tokenizer(family_folder() / GetParam());
  const Json rows = read_json(family_folder() / "golden.json").at(GetParam());
  ASSERT_GE(rows.size(), 10U);
  for (const Json& row : rows) {
    const auto text = row[0].get<std::string>();
    SCOPED_TRACE(Json(text).dump(-1, ' ', true));
    EXPECT_EQ(tokenizer->encode(text, false), row[1].get<std::vector<int32_t>>());
    const auto full = tokenizer->encode(text, true);
    EXPECT_EQ(full, row[2].get<std::vector<int32_t>>());
    EXPECT_EQ(tokenizer->decode(full, false), row[3].get<std::string>());
    EXPECT_EQ(tokenizer->decode(full, true), row[4].get<std::string>());
  }
}

INSTANTIATE_TEST_SUITE_P(Families, GoldenFamilyTokenizer,
                         ::testing::ValuesIn(families_with_goldens()),
                         [](const auto& family) { return family.param; });

}  // namespace
}  // namespace unlearn::tokenizer
