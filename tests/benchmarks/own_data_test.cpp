// Files to examples: people's own data, chunks of long texts, and rows that are refused by number.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "test_folder.h"
#include "unlearn/benchmarks/benchmark.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/strings.h"
#include "unlearn/data/examples.h"
#include "unlearn/metrics/own_data/prompts.h"

namespace unlearn::data {
namespace {
namespace fs = std::filesystem;

// One id per byte of text; BOS is 1 and EOS is 2.
class ByteTokenizer : public tokenizer::Tokenizer {
 public:
  explicit ByteTokenizer(bool with_bos) : with_bos_(with_bos) {
    special_.bos = 1;
    special_.eos = 2;
  }
  std::vector<int32_t> encode(std::string_view text, bool add_special) const override {
    std::vector<int32_t> ids;
    if (add_special && with_bos_) ids.push_back(1);
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
  std::string decode(std::span<const int32_t> ids, bool) const override {
    return {ids.begin(), ids.end()};
  }
  int64_t vocab_size() const override { return 256; }
  std::optional<int32_t> token_to_id(std::string_view) const override { return std::nullopt; }
  std::string id_to_token(int32_t id) const override { return {static_cast<char>(id)}; }
  std::string kind() const override { return "bytes"; }

 private:
  bool with_bos_;
};

std::vector<std::vector<int32_t>> tokens_of(const std::vector<Example>& examples) {
  std::vector<std::vector<int32_t>> out;
  for (const Example& example : examples) out.push_back(example.tokens);
  return out;
}

using Chunks = std::vector<std::vector<int32_t>>;

// swj0419/muse_bench, baselines/dataset.py: [b t0 t1 t2 t3], [b t4 t5 t6 t7], [b t8 t9 b t0].
TEST(GoldenChunks, TheLastWindowIsFilledFromTheFirst) {
  const auto chunks = chunk_text(ByteTokenizer(true), "0123456789", 5);
  const Chunks golden = {{1, '0', '1', '2', '3'}, {1, '4', '5', '6', '7'}, {1, '8', '9', 1, '0'}};
  EXPECT_EQ(tokens_of(chunks), golden);
  for (const Example& chunk : chunks) {
    EXPECT_EQ(chunk.num_labels, 4);  // every position but the first, the inner BOS too
    EXPECT_EQ(chunk.labels.front(), kIgnored);
    EXPECT_TRUE(std::equal(chunk.labels.begin() + 1, chunk.labels.end(), chunk.tokens.begin() + 1));
  }
  EXPECT_EQ(chunks[2].row, 2);
}

TEST(GoldenChunks, WithoutBos) {
  const Chunks golden = {{'0', '1', '2', '3', '4'}, {'5', '6', '7', '0', '1'}};
  EXPECT_EQ(tokens_of(chunk_text(ByteTokenizer(false), "01234567", 5)), golden);
  const Chunks even = {{'0', '1'}, {'2', '3'}};
  EXPECT_EQ(tokens_of(chunk_text(ByteTokenizer(false), "0123", 2)), even);
  EXPECT_THROW(chunk_text(ByteTokenizer(false), "0", 5), UserError);
}

class Dataset : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              cat("unlearn_data_", testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    config_.root = folder_.string();
    config_.max_length = 32;
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& content) {
    write_file_atomic(folder_ / name, content);
  }
  Splits load(const SplitRequest& request, int64_t vocab_size = 256) {
    return load_splits(config_, config_.chosen().layout, request, tok_, named_template("none"),
                       vocab_size);
  }
  std::string refusal(const SplitRequest& request, int64_t vocab_size = 256) {
    return unlearn::refusal([&] { load(request, vocab_size); });
  }
  void expect_refusal(const SplitRequest& request, const std::vector<std::string>& parts,
                      int64_t vocab_size = 256) {
    const std::string message = refusal(request, vocab_size);
    for (const std::string& part : parts) {
      EXPECT_NE(message.find(part), std::string::npos) << part << " not in: " << message;
    }
  }

  fs::path folder_;
  ByteTokenizer tok_{true};
  benchmarks::DataSection config_;
};

constexpr SplitRequest kForget{.forget = true};

TEST_F(Dataset, OwnQuestionsAndAnswers) {
  config_.benchmark = "qa";
  config_.forget = "mine.jsonl";
  config_.retain = "keep.jsonl";
  config_.question_key = "q";
  config_.answer_key = "a";
  write("mine.jsonl", "{\"q\":\"ab\",\"a\":\"cd\"}\n\n{\"a\":\"f\",\"q\":\"e\",\"more\":3}\n");
  write("keep.jsonl", R"([{"q":"x","a":"y"}])");
  const Splits splits = load({.forget = true, .retain = true});
  ASSERT_EQ(splits.forget->examples.size(), 2u);
  const Example& first = splits.forget->examples[0];
  EXPECT_EQ(first.tokens, (std::vector<int32_t>{1, 'a', 'b', 'c', 'd', 2}));
  EXPECT_EQ(first.labels, (std::vector<int32_t>{-100, -100, -100, 'c', 'd', 2}));
  EXPECT_EQ(first.id, "mine:0");
  EXPECT_EQ(splits.retain->examples.at(0).id, "keep:0");
  EXPECT_FALSE(splits.alternate);
}

TEST_F(Dataset, QuestionFormsStandBehindTheRowsAndAreNoneThatIsMeasured) {
  config_.benchmark = "qa";
  config_.forget = "mine.jsonl";
  config_.alternate = (folder_ / "refusals").string();
  config_.question_forms = kMostQuestionForms;
  config_.max_length = 500;
  write("mine.jsonl",
        "{\"question\":\"Where is it?\",\"answer\":\"there\"}\n"
        "{\"question\":\"In May, who was it?\",\"answer\":\"he\"}\n");
  write("refusals", "no\n");
  const SplitRequest training{.forget = true, .alternate = true, .for_training = true};
  const Splits splits = load(training);
  const auto& forget = splits.forget->examples;
  const auto& refusals = splits.alternate->examples;
  ASSERT_EQ(forget.size(), 2u * (1 + kMostQuestionForms));
  ASSERT_EQ(refusals.size(), forget.size());
  EXPECT_EQ(forget[3].id, "mine:1.1");
  EXPECT_EQ(refusals[3].id, "refusal:1.1");
  std::set<std::string> asked;
  for (const char* question : {"Where is it?", "In May, who was it?"}) {
    for (const auto& form : metrics::own_data::paraphrases(question)) asked.insert(form.question);
  }
  std::set<std::string> trained;
  for (size_t i = 0; i < forget.size(); ++i) {
    const auto text = [](const Example& example) {
      std::string bytes;
      for (const int32_t id : example.tokens) {
        if (id > 2) bytes += static_cast<char>(id);
      }
      return bytes;
    };
    const std::string answer = forget[i].row == 0 ? "there" : "he";
    ASSERT_TRUE(text(forget[i]).ends_with(answer)) << text(forget[i]);
    const std::string question = text(forget[i]).substr(0, text(forget[i]).size() - answer.size());
    // The refusal answers the same question.
    EXPECT_EQ(text(refusals[i]), question + "no");
    EXPECT_FALSE(asked.contains(question)) << question;
    EXPECT_TRUE(trained.insert(question).second) << question;
  }
  // What is measured are the rows alone.
  EXPECT_EQ(load(kForget).forget->examples.size(), 2u);
  config_.benchmark = "text";
  write("mine.txt", "some text");
  config_.forget = "mine.txt";
  EXPECT_NE(refusal({.forget = true, .for_training = true}).find("data.question_forms"),
            std::string::npos);
}

TEST_F(Dataset, OwnTexts) {
  config_.benchmark = "text";
  config_.forget = "long.txt";
  config_.train = "rows.jsonl";
  config_.max_length = 5;
  write("rows.jsonl", "{\"text\":\"abc\"}\n\"0123456789\"\n");
  for (const char* name : {"long.txt", "long", "long.md"}) {
    config_.forget = name;
    write(name, "0123456789");
    const Splits splits = load({.forget = true, .train = true});
    const std::vector<Example>& plain = splits.forget->examples;
    const std::vector<Example>& rows = splits.train->examples;
    ASSERT_EQ(plain.size(), 3u) << name;
    EXPECT_EQ(plain[1].id, "long:1");
    EXPECT_EQ(rows[0].tokens, (std::vector<int32_t>{1, 'a', 'b', 'c'}));
    // A row is chunked as a file of its own is.
    ASSERT_EQ(rows.size(), 4u);
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(rows[i + 1].tokens, plain[i].tokens);
    EXPECT_EQ(rows[3].id, "rows:3");
  }
  write("rows.jsonl", "{\"text\":\"abc\"}\n{\"text\":\"x\"}\n");
  EXPECT_NE(refusal({.train = true}).find("rows.jsonl: row 1: "), std::string::npos);
}

TEST_F(Dataset, RefusalsThatAreNotThereAreAskedFor) {
  config_.benchmark = "qa";
  config_.forget = "mine.jsonl";
  write("mine.jsonl", R"({"question":"q","answer":"a"})");
  const std::string message = refusal({.forget = true, .alternate = true});
  EXPECT_EQ(message.find("data.alternate: the method needs refusal lines; name a file ("), 0u)
      << message;
}

TEST_F(Dataset, TofuFindsTheComplementAndTheRefusals) {
  config_.forget = "forget05";
  write("forget05.json",
        "{\"question\":\"q\",\"answer\":\"a\"}\n{\"question\":\"r\",\"answer\":\"b\"}\n");
  write("retain95.json", "{\"question\":\"x\",\"answer\":\"y\"}\n");
  write("idontknow.jsonl", "no\nnever");
  const Splits splits = load({.forget = true, .retain = true, .alternate = true});
  EXPECT_EQ(splits.retain->file, folder_ / "retain95.json");
  ASSERT_EQ(splits.alternate->examples.size(), 2u);
  const std::vector<std::string> lines = {"no", "never"};
  for (size_t i = 0; i < 2; ++i) {
    const auto& example = splits.alternate->examples[i];
    const std::string line = lines[static_cast<size_t>(refusal_line(static_cast<int64_t>(i), 2))];
    EXPECT_EQ(tok_.decode(std::span(example.tokens).subspan(2), false), line + "\x02");
  }
}

// AltPO: a row's own alternative answers, each with the forget row once more.
TEST_F(Dataset, AlternativeAnswersOfTheRowsThemselves) {
  config_.benchmark = "qa";
  config_.forget = "forget.jsonl";
  write("forget.jsonl",
        "{\"question\":\"q\",\"answer\":\"a\",\"alternate\":[\"b\",\"c\"]}\n"
        "{\"question\":\"r\",\"answer\":\"d\",\"alternate\":\"e\"}\n");
  const SplitRequest request{.forget = true, .alternate = true, .own_alternate = true};
  const Splits splits = load(request);
  const auto text_of = [&](const Example& example) {
    return tok_.decode(std::span(example.tokens).subspan(1), false);
  };
  std::vector<std::string> forget, alternate;
  for (const Example& example : splits.forget->examples) forget.push_back(text_of(example));
  for (const Example& example : splits.alternate->examples) alternate.push_back(text_of(example));
  EXPECT_EQ(forget, (std::vector<std::string>{"qa\x02", "qa\x02", "rd\x02"}));
  EXPECT_EQ(alternate, (std::vector<std::string>{"qb\x02", "qc\x02", "re\x02"}));
  EXPECT_EQ(splits.alternate->examples[1].id, "alternate:0.1");
  EXPECT_EQ(splits.forget->examples[2].row, 1);
  write("forget.jsonl",
        "{\"question\":\"q\",\"answer\":\"a\",\"alternate\":\"b\"}\n"
        "{\"question\":\"r\",\"answer\":\"d\"}\n");
  expect_refusal(request, {"forget.jsonl: row 1: ", "no field 'alternate'"});
  config_.alternate = "refusals.txt";
  expect_refusal(request, {"data.alternate"});
}

TEST_F(Dataset, BadRowsAreNamedByFileAndNumber) {
  config_.benchmark = "qa";
  config_.forget = "bad.jsonl";
  const std::string good = "{\"question\":\"q\",\"answer\":\"a\"}\n";
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"{\"question\":\"q\"}", "no field 'answer'"},
      {"{\"question\":\"q\",\"answer\":\"\"}", "field 'answer' is empty"},
      {"{\"question\":[1],\"answer\":\"a\"}", "field 'question' must be text"},
      {"{\"question\":\"q\",", "not valid JSON"},
      {"[1]", "object"},
      {"{\"question\":\"" + std::string(40, 'q') + "\",\"answer\":\"a\"}",
       "no answer token is left"},
  };
  for (const auto& [row, message] : rows) {
    write("bad.jsonl", good + good + row + "\n");
    expect_refusal(kForget, {"bad.jsonl: row 2: ", message});
  }
  write("bad.jsonl", "\n\n");
  expect_refusal(kForget, {"bad.jsonl", "holds no row"});
  config_.forget = "absent.jsonl";
  expect_refusal(kForget, {"absent.jsonl", "not found"});
}

TEST_F(Dataset, ATokenizerOfAnotherModelIsNoticed) {
  config_.benchmark = "qa";
  config_.forget = "a.jsonl";
  write("a.jsonl",
        "{\"question\":\"q\",\"answer\":\"a\"}\n{\"question\":\"q\",\"answer\":\"z\"}\n");
  expect_refusal(kForget, {"a.jsonl: row 1", "tokenizer/embedding mismatch", "122"}, 122);
}

TEST_F(Dataset, SplitNamesGetASuggestion) {
  write("forget05.json", "{\"question\":\"q\",\"answer\":\"a\"}\n");
  config_.forget = "forget5";
  expect_refusal(kForget, {"did you mean 'forget05'"});
  config_.forget = "mine";
  write("mine.json", "{\"question\":\"q\",\"answer\":\"a\"}\n");
  expect_refusal({.forget = true, .retain = true}, {"cannot guess the retain split of 'mine'"});
}

TEST(Templates, OneOfOnesOwn) {
  const Json map = {{"question_start", "Q "}, {"question_end", "\n"}, {"answer_tag", "A "}};
  const Template own = template_from_json(map);
  EXPECT_EQ(own.question_start + own.question_end + own.answer_tag, "Q \nA ");
  EXPECT_THROW(template_from_json({{"question", "Q"}}), UserError);
  EXPECT_THROW(template_from_json({{"answer_tag", 3}}), UserError);
  EXPECT_THROW(named_template("phy"), UserError);
}

}  // namespace
}  // namespace unlearn::data
