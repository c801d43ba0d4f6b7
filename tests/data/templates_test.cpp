// The families' prompt templates against texts written out by hand and tokenized by `tokenizers`
// (scripts/goldens/family_tokenizers.py), and the chat templates against transformers'
// apply_chat_template (scripts/goldens/chat_templates.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "unlearn/data/examples.h"
#include "unlearn/data/template.h"

namespace unlearn::data {
namespace {

std::filesystem::path golden_file(const std::string& name) {
  return std::filesystem::path(UNLEARN_TEST_DIR) / "golden" / "family_tokenizers" / name;
}

std::set<std::string> expect_as_golden(const std::string& file) {
  std::set<std::string> checked;
  for (const Json& row : read_json(golden_file(file))) {
    const auto name = row.at("template").get<std::string>();
    const auto question = row.at("question").get<std::string>();
    SCOPED_TRACE(name + ": " + Json(question).dump(-1, ' ', true));
    const auto tok = tokenizer::load_tokenizer(golden_file(row.at("tokenizer").get<std::string>()));
    const Template tmpl = named_template(name);
    EXPECT_EQ(make_qa_prompt(*tok, tmpl, question), row.at("prompt").get<std::vector<int32_t>>());
    const Example example =
        make_qa_example(*tok, tmpl, question, row.at("answer").get<std::string>(), 500);
    EXPECT_EQ(example.tokens, row.at("tokens").get<std::vector<int32_t>>());
    const auto masked = row.at("masked").get<int64_t>();
    EXPECT_EQ(example.labels.size(), example.tokens.size());
    for (size_t i = 0; i < example.labels.size(); ++i) {
      EXPECT_EQ(example.labels[i], static_cast<int64_t>(i) < masked ? kIgnored : example.tokens[i])
          << i;
    }
    checked.insert(name);
  }
  return checked;
}

TEST(GoldenTemplates, RenderedIdsAndMasks) {
  std::set<std::string> checked = expect_as_golden("templates.json");
  checked.merge(expect_as_golden("chat_templates.json"));
  const auto names = template_names();
  EXPECT_EQ(checked, std::set<std::string>(names.begin(), names.end()));
}

}  // namespace
}  // namespace unlearn::data
