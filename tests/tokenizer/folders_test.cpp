// Folders whose side files, class and tokenizer.json disagree, as transformers 5 and 4 read them
// (scripts/goldens/tokenizer_folders.py).
#include <gtest/gtest.h>

#include <filesystem>

#include "test_folder.h"
#include "unlearn/core/json.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::tokenizer {
namespace {

std::filesystem::path golden_folder() { return std::filesystem::path(UNLEARN_TEST_DIR) / "golden"; }

int32_t largest_id(const Json& tokenizer) {
  int32_t largest = 0;
  for (const Json& id : tokenizer["model"]["vocab"]) largest = std::max(largest, id.get<int32_t>());
  for (const Json& token : tokenizer["added_tokens"]) {
    largest = std::max(largest, token["id"].get<int32_t>());
  }
  return largest;
}

void write_vocabulary(const TestFolder& folder, const Json& model) {
  folder.write("vocab.json", model["vocab"].dump());
  std::string merges = "#version: 0.2\n";
  for (const Json& merge : model["merges"]) {
    merges += merge[0].get<std::string>() + " " + merge[1].get<std::string>() + "\n";
  }
  folder.write("merges.txt", merges);
}

void write_folder(const TestFolder& folder, const Json& one) {
  Json content = read_json(golden_folder() / "family_tokenizers" /
                           one["family"].get<std::string>() / "tokenizer.json");
  int32_t id = largest_id(content);
  for (Json token : one["extra"]) {
    token["id"] = ++id;
    content["added_tokens"].push_back(token);
  }
  if (one["vocabulary"].get<bool>()) {
    write_vocabulary(folder, content["model"]);
  } else {
    folder.write("tokenizer.json", content.dump());
  }
  for (const auto& [name, value] : one["files"].items()) folder.write(name, value.dump());
}

void expect_as_golden(const Json& one, Rules rules) {
  SCOPED_TRACE(one["name"].get<std::string>());
  const TestFolder folder;
  write_folder(folder, one);
  const auto tokenizer = load_tokenizer(folder.path(), rules);
  const auto& special = tokenizer->special();
  const auto id = [](const std::optional<int32_t>& value) { return value ? Json(*value) : Json(); };
  EXPECT_EQ(id(special.bos), one["ids"]["bos"]);
  EXPECT_EQ(id(special.eos), one["ids"]["eos"]);
  EXPECT_EQ(id(special.pad), one["ids"]["pad"]);
  // Ours has the model's own unknown token too.
  if (!one["ids"]["unk"].is_null()) {
    EXPECT_EQ(id(special.unk), one["ids"]["unk"]);
  }
  for (const Json& row : one["rows"]) {
    SCOPED_TRACE(row[0].dump(-1, ' ', true));
    const auto ids = tokenizer->encode(row[0].get<std::string>(), true);
    EXPECT_EQ(ids, row[1].get<std::vector<int32_t>>());
    EXPECT_EQ(tokenizer->decode(ids, false), row[2].get<std::string>());
    EXPECT_EQ(tokenizer->decode(ids, true), row[3].get<std::string>());
  }
}

void expect_all_as_golden(const std::string& name, Rules rules, size_t at_least) {
  const Json cases = read_json(golden_folder() / "tokenizer_folders" / (name + ".json"));
  ASSERT_GE(cases.size(), at_least);
  for (const Json& one : cases) expect_as_golden(one, rules);
}

TEST(TokenizerFolders, IdsAreThoseOfTransformers5) {
  expect_all_as_golden("transformers5", Rules::kTransformers5, 260);
}

TEST(TokenizerFolders, IdsAreThoseOfTransformers4WhereAskedFor) {
  expect_all_as_golden("transformers4", Rules::kTransformers4, 170);
}

}  // namespace
}  // namespace unlearn::tokenizer
