// Which tokens of a row the depth score is about, against a fast tokenizer's offsets
// (scripts/goldens/depth.py).
#include "run/audit/depth.h"

#include <gtest/gtest.h>

#include "test_folder.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn::run {
namespace {
namespace fs = std::filesystem;

TEST(GoldenDepthRows, EntitiesByTheirCharacters) {
  const Json golden = read_json(UNLEARN_TEST_DIR "/golden/scoring/depth.json");
  const fs::path file = fs::path(::testing::TempDir()) / "unlearn_depth_rows.jsonl";
  std::string text;
  for (const Json& row : golden["rows"]) text += row.dump() + "\n";
  write_file_atomic(file, text);
  const auto tokenizer = tokenizer::load_tokenizer(UNLEARN_SOURCE_DIR "/data/tiny");
  const data::Template prompt_template = data::named_template("none");
  const data::DataConfig data;
  eval::EvalConfig config;
  const auto read = [&](int64_t context) {
    const eval::EvaluationInputs inputs{*tokenizer, prompt_template, data,   config,
                                        1280,       "llama",         context};
    return depth_rows({file.string(), false}, nullptr, inputs);
  };
  const auto rows = read(0);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->examples.size(), golden["rows"].size());
  for (size_t i = 0; i < rows->examples.size(); ++i) {
    const data::Example& example = rows->examples[i];
    EXPECT_EQ(example.tokens, golden["rows"][i]["tokens"].get<std::vector<int32_t>>());
    std::vector<size_t> scored;
    for (size_t t = 0; t < example.labels.size(); ++t) {
      if (example.labels[t] != data::kIgnored) scored.push_back(t);
    }
    EXPECT_EQ(scored, golden["rows"][i]["scored"].get<std::vector<size_t>>()) << i;
    EXPECT_EQ(static_cast<size_t>(example.num_labels), scored.size());
  }
  EXPECT_FALSE(read(8));  // all are longer than that
  write_file_atomic(file,
                    R"({"question":"q","answer":"It is blue.","prefix":"It","entity":"red"})");
  EXPECT_NE(refusal([&] { read(0); }).find("rows.jsonl: row 0: 'red' is not in what follows"),
            std::string::npos);
  write_file_atomic(file, R"({"question":"q","answer":"It is","prefix":"Is","entity":"is"})");
  EXPECT_NE(refusal([&] { read(0); }).find("must begin with the prefix"), std::string::npos);
}

}  // namespace
}  // namespace unlearn::run
