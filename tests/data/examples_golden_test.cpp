// Tokens, labels, EOS and truncation against a script that follows spec and reference code with
// `tokenizers` (scripts/goldens/data.py).
#include <gtest/gtest.h>

#include <map>

#include "unlearn/core/error.h"
#include "unlearn/core/json.h"
#include "unlearn/core/strings.h"
#include "unlearn/data/examples.h"
#include "unlearn/data/template.h"

namespace unlearn::data {
namespace {

const std::string kGolden = std::string(UNLEARN_TEST_DIR) + "/golden/";

TEST(GoldenExamples, TokensAndLabels) {
  std::map<std::string, std::unique_ptr<tokenizer::Tokenizer>> tokenizers;
  const Json rows = read_json(kGolden + "data/examples.json");
  ASSERT_GT(rows.size(), 100u);
  for (const Json& row : rows) {
    const auto family = row["family"].get<std::string>();
    auto& tok = tokenizers[family];
    if (!tok) tok = tokenizer::load_tokenizer(kGolden + "tokenizer/" + family);
    const auto question = row["question"].get<std::string>();
    const auto limit = row["max_length"].get<int64_t>();
    const Example example =
        make_qa_example(*tok, named_template(row["template"].get<std::string>()), question,
                        row["answer"].get<std::string>(), limit);
    const auto labels = row["labels"].get<std::vector<int32_t>>();
    SCOPED_TRACE(cat(family, ", max_length ", limit, ": ", question));
    EXPECT_EQ(example.tokens, row["tokens"].get<std::vector<int32_t>>());
    EXPECT_EQ(example.labels, labels);
    EXPECT_EQ(example.num_labels,
              std::count_if(labels.begin(), labels.end(), [](int32_t l) { return l != kIgnored; }));
  }
}

// data.chunking: ou, with pieces that tokenise otherwise than the window they come from.
TEST(GoldenExamples, OpenUnlearningsChunks) {
  const Json rows = read_json(kGolden + "data/ou_chunks.json");
  ASSERT_EQ(rows.size(), 15u);
  for (const Json& row : rows) {
    const auto family = row["family"].get<std::string>();
    const auto max_length = row["max_length"].get<int64_t>();
    const auto tok = tokenizer::load_tokenizer(kGolden + "tokenizer/" + family);
    std::vector<std::vector<int32_t>> chunks;
    for (const Example& chunk : rechunk_text(*tok, row["text"].get<std::string>(), max_length)) {
      EXPECT_EQ(chunk.row, static_cast<int64_t>(chunks.size()));
      EXPECT_EQ(chunk.labels.front(), kIgnored);
      EXPECT_EQ(chunk.num_labels, static_cast<int64_t>(chunk.tokens.size()) - 1);
      chunks.push_back(chunk.tokens);
    }
    EXPECT_EQ(chunks, row["chunks"].get<std::vector<std::vector<int32_t>>>())
        << family << ", max_length " << max_length;
  }
}

TEST(GoldenExamples, PromptForGeneration) {
  const auto tok = tokenizer::load_tokenizer(kGolden + "tokenizer/smollm2");
  // The plain rule leaves the answer tag to the model; a chat prompt ends with the assistant's tag.
  EXPECT_EQ(make_qa_prompt(*tok, named_template("phi"), "Who?"),
            tok->encode("Question: Who?\n", true));
  const auto chat = tokenizer::load_tokenizer(kGolden + "tokenizer/qwen2");
  const auto ids = make_qa_prompt(*chat, named_template("qwen2"), "Who?");
  EXPECT_TRUE(chat->decode(ids, false).ends_with("Who?<|im_end|>\n<|im_start|>assistant\n"));
}

TEST(GoldenExamples, NoAnswerTokenLeft) {
  const auto tok = tokenizer::load_tokenizer(kGolden + "tokenizer/smollm2");
  EXPECT_THROW(make_qa_example(*tok, named_template("phi"), "A long question?", "Yes.", 4),
               UserError);
}

}  // namespace
}  // namespace unlearn::data
