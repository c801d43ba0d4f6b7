// Files that hold something else than they seem to: forget rows among the rows to keep, rows twice,
// rows in a file of plain text, texts from Windows.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "test_folder.h"
#include "unlearn/benchmarks/benchmark.h"
#include "unlearn/core/strings.h"

namespace unlearn::data {
namespace {
namespace fs = std::filesystem;

// One id per byte of text; 2 ends an answer.
class OneByteTokenizer : public tokenizer::Tokenizer {
 public:
  OneByteTokenizer() { special_.eos = 2; }
  std::vector<int32_t> encode(std::string_view text, bool) const override {
    std::vector<int32_t> ids;
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
};

class OwnFiles : public testing::Test {
 protected:
  OwnFiles() {
    config_.benchmark = "qa";
    config_.root = folder_.path().string();
    config_.max_length = 100;
  }
  Splits load(const std::string& forget, const std::string& retain = "") {
    config_.forget = forget;
    config_.retain = retain;
    return load_splits(config_, config_.chosen().layout,
                       {.forget = true, .retain = !retain.empty(), .for_training = true}, tok_,
                       named_template("phi"), 1000);
  }
  std::string error_of(const std::string& forget, const std::string& retain = "") {
    return refusal([&] { load(forget, retain); });
  }
  // What the program says on stderr meanwhile.
  std::string warnings_of(const std::string& forget, const std::string& retain = "") {
    testing::internal::CaptureStderr();
    load(forget, retain);
    return testing::internal::GetCapturedStderr();
  }
  static std::string row(const std::string& question, const std::string& answer) {
    return cat("{\"question\":\"", question, "\",\"answer\":\"", answer, "\"}\n");
  }

  TestFolder folder_;
  OneByteTokenizer tok_;
  benchmarks::DataSection config_;
};

TEST_F(OwnFiles, ForgetRowsAmongTheRowsToKeep) {
  folder_.write("f.jsonl", row("a", "b") + row("Who\\tis  It?", "SHE\xC2\xA0is.") + row("c", "d"));
  folder_.write("other.jsonl", row("a", "c") + row("b", "b") + row("who is it?", "she is"));
  EXPECT_EQ(error_of("f.jsonl", "other.jsonl"), "accepted");
  folder_.write("r.jsonl",
                row("x", "y") + row("c", "d") + row(" who is it?", "she is.") + row("c", "d"));
  const std::string message = error_of("f.jsonl", "r.jsonl");
  const std::string file = (folder_.path() / "f.jsonl").string();
  const std::string retain = (folder_.path() / "r.jsonl").string();
  EXPECT_EQ(message, cat("data.forget: what is to be forgotten is also to be kept: of ", file,
                         " and ", retain,
                         " row 1 = row 2, row 2 = row 1 (2 in all); take them out of one "
                         "file, or set data.drop_overlap: true (out of what is kept) or "
                         "data.allow_overlap: true"));
  config_.allow_overlap = true;
  EXPECT_NE(warnings_of("f.jsonl", "r.jsonl").find("(2 in all) (data.allow_overlap)"),
            std::string::npos);
}

TEST_F(OwnFiles, RowsInBothAreTakenOutOfTheRetainSet) {
  config_.drop_overlap = true;
  folder_.write("f.jsonl", row("a", "b") + row("c", "d"));
  folder_.write("r.jsonl", row("x", "y") + row("c", "d") + row("C", " D") + row("u", "v"));
  EXPECT_NE(warnings_of("f.jsonl", "r.jsonl").find("(data.drop_overlap)"), std::string::npos);
  std::vector<int64_t> rows;
  const Splits left = load("f.jsonl", "r.jsonl");
  for (const Example& example : left.retain->examples) rows.push_back(example.row);
  EXPECT_EQ(rows, (std::vector<int64_t>{0, 3}));
  EXPECT_NE(error_of("f.jsonl", "f.jsonl").find("nothing is left of"), std::string::npos);
  // Of a text all chunks of the row.
  config_.benchmark = "text";
  config_.max_length = 8;
  folder_.write("f2.jsonl", "\"the same text of three chunks\"\n");
  folder_.write("r2.jsonl", "\"something of another kind\"\n\"the same text of three chunks\"\n");
  const Splits splits = load("f2.jsonl", "r2.jsonl");
  EXPECT_EQ(splits.retain->rows_of_chunks, (std::vector<int64_t>{0, 0, 0, 0}));
}

TEST_F(OwnFiles, ShareOfTheRetainRowsIsHeldOut) {
  std::string rows;
  for (int i = 0; i < 10; ++i) rows += row(cat("q", i), cat("a", i));
  folder_.write("r.jsonl", rows);
  folder_.write("f.jsonl", row("a", "b"));
  EXPECT_FALSE(load("f.jsonl", "r.jsonl").held_out.has_value());
  config_.hold_out = 0.2;
  const Splits splits = load("f.jsonl", "r.jsonl");
  ASSERT_TRUE(splits.held_out.has_value());
  EXPECT_EQ(splits.held_out->examples.size(), 2u);
  EXPECT_EQ(splits.retain->examples.size(), 8u);
  std::set<int64_t> all;
  for (const Split* part : {&*splits.retain, &*splits.held_out}) {
    for (const Example& example : part->examples) all.insert(example.row);
  }
  EXPECT_EQ(all.size(), 10u);
  // The same ones each time.
  EXPECT_EQ(load("f.jsonl", "r.jsonl").held_out->examples.at(0).row,
            splits.held_out->examples.at(0).row);
  folder_.write("one.jsonl", row("x", "y"));
  EXPECT_FALSE(load("f.jsonl", "one.jsonl").held_out.has_value());
}

TEST_F(OwnFiles, EachFileHasItsOwnKeys) {
  config_.forget_keys = "q, a";
  config_.retain_keys = "frage,antwort";
  folder_.write("f.csv", "q,a\nx,y\n");
  folder_.write("r.jsonl", "{\"frage\":\"u\",\"antwort\":\"v\"}\n");
  EXPECT_EQ(error_of("f.csv", "r.jsonl"), "accepted");
  config_.forget_keys = "q,,a";
  EXPECT_NE(error_of("f.csv").find("data.forget_keys: 'q,,a': QUESTION,ANSWER"), std::string::npos);
}

TEST_F(OwnFiles, ManyRowsAreCounted) {
  std::string rows;
  for (int i = 0; i < 12; ++i) rows += row(cat("q", i), "a");
  folder_.write("f.jsonl", rows);
  const std::string message = error_of("f.jsonl", "f.jsonl");
  EXPECT_NE(message.find("row 4 = row 4 and 7 more (12 in all)"), std::string::npos) << message;
}

// What is cut off by max_length is not trained on.
TEST_F(OwnFiles, RowsAreComparedAsTheyAreTrained) {
  const std::string question(40, 'q'), answer(80, 'a');
  folder_.write("f.jsonl", row(question, answer + "b"));
  folder_.write("r.jsonl", row(question, answer + "c"));
  EXPECT_NE(error_of("f.jsonl", "r.jsonl").find("row 0 = row 0 (1 in all)"), std::string::npos);
}

TEST_F(OwnFiles, TextsInCommon) {
  config_.benchmark = "text";
  config_.max_length = 16;
  const std::string fact = "Mary Lune was born in Oslo.";
  folder_.write("f.txt", "# Notes\n\n" + fact + "\n");
  folder_.write(
      "r.txt",
      "# Notes\n\nNobody knows where the others were born.\n\nmary lune  was born in oslo.\n");
  EXPECT_NE(error_of("f.txt", "r.txt").find("line 3 = line 5 (1 in all)"), std::string::npos);
  folder_.write("other.txt", "# Notes\n\nNobody knows where the others were born.\n");
  EXPECT_EQ(error_of("f.txt", "other.txt"), "accepted");
  // Rows of JSON, by their numbers, whatever their chunks' are.
  folder_.write("f.jsonl", "\"something else that is long enough\"\n\"" + fact + "\"\n");
  folder_.write("r.jsonl", "{\"text\":\"x y\"}\n{\"text\":\"" + fact + "\"}\n");
  EXPECT_NE(error_of("f.jsonl", "r.jsonl").find("row 1 = row 1"), std::string::npos);
  EXPECT_NE(error_of("f.txt", "r.jsonl").find("line 3 = row 1"), std::string::npos);
  EXPECT_NE(error_of("f.txt", "f.txt").find("chunk 0 = chunk 0"), std::string::npos);
}

TEST_F(OwnFiles, RowsThatStandTwice) {
  folder_.write("f.jsonl", row("a", "b") + row("c", "d") + row("A ", "b"));
  // The answer's tag follows the space, so that these are one text.
  const std::string message = error_of("f.jsonl");
  EXPECT_NE(message.find("f.jsonl repeats itself: row 2 = row 0 (1 of 3)"), std::string::npos)
      << message;
  config_.drop_overlap = true;  // speaks of the retain set
  EXPECT_EQ(error_of("f.jsonl"), message);
  config_.drop_overlap = false;
  config_.allow_overlap = true;
  EXPECT_NE(warnings_of("f.jsonl").find("row 2 = row 0 (1 of 3)"), std::string::npos);
  config_.allow_overlap = false;
  folder_.write("g.jsonl", row("a", "b") + row("c", "d"));
  EXPECT_EQ(warnings_of("g.jsonl"), "");
  // Another answer to the same question is another row.
  folder_.write("h.jsonl", row("a", "b") + row("a", "d"));
  EXPECT_EQ(warnings_of("h.jsonl"), "");
}

// Whole rows of texts: two may have a chunk in common. Chunks of one text may be the same.
TEST_F(OwnFiles, TextsThatStandTwice) {
  config_.benchmark = "text";
  config_.max_length = 8;
  const std::string page = "Page one";
  folder_.write("f.jsonl", "\"" + page + " and more\"\n\"" + page + " and less\"\n");
  EXPECT_EQ(warnings_of("f.jsonl"), "");
  folder_.write("g.jsonl", "\"" + page + " and more\"\n\"other\"\n\"page  one and more\"\n");
  EXPECT_EQ(error_of("g.jsonl"), "accepted");  // other chunks: the second space moved them
  folder_.write("g.jsonl", "\"" + page + " and more\"\n\"other\"\n\"page one AND more\"\n");
  EXPECT_NE(error_of("g.jsonl").find("row 2 = row 0 (1 of 3)"), std::string::npos);
  folder_.write("f.txt", page + page);
  EXPECT_NE(warnings_of("f.txt").find("chunk 1 = chunk 0 (1 of 2)"), std::string::npos);
}

// The loss of a held-out row that is trained on under another number would show no damage.
TEST_F(OwnFiles, RepeatsOfHeldOutRowsAreHeldOut) {
  config_.hold_out = 0.2;
  folder_.write("f.jsonl", row("forget", "x"));
  std::string rows;
  for (int i = 0; i < 10; ++i) rows += row(cat("q", i % 5), cat("a", i % 5));
  folder_.write("r.jsonl", rows);
  const Splits splits = load("f.jsonl", "r.jsonl");
  std::set<std::vector<int32_t>> held_out;
  for (const Example& example : splits.held_out->examples) held_out.insert(example.tokens);
  EXPECT_EQ(splits.held_out->examples.size(), 2 * held_out.size());
  EXPECT_EQ(splits.held_out->examples.size() + splits.retain->examples.size(), 10u);
  for (const Example& example : splits.retain->examples) {
    EXPECT_FALSE(held_out.contains(example.tokens)) << example.row;
  }
  folder_.write("same.jsonl", row("q", "a") + row("Q", "a"));
  EXPECT_NE(error_of("f.jsonl", "same.jsonl").find("data.hold_out: "), std::string::npos);
}

// Python's text mode drops the carriage returns.
TEST_F(OwnFiles, WindowsLinesGiveTheSameChunks) {
  config_.benchmark = "text";
  config_.max_length = 7;
  folder_.write("unix.txt", "One line.\nAnother.\n\nThe end.\n");
  folder_.write("windows.txt", "\xEF\xBB\xBFOne line.\r\nAnother.\r\n\r\nThe end.\r\n");
  const auto unix_chunks = load("unix.txt").forget->examples;
  const auto windows_chunks = load("windows.txt").forget->examples;
  ASSERT_EQ(unix_chunks.size(), windows_chunks.size());
  for (size_t i = 0; i < unix_chunks.size(); ++i) {
    EXPECT_EQ(unix_chunks[i].tokens, windows_chunks[i].tokens);
  }
}

TEST_F(OwnFiles, RowsInPlainTextAreNotTrainedOn) {
  config_.benchmark = "text";
  folder_.write("a.txt", "{\"text\":\"What stands here.\"}\n{\"text\":\"And here.\"}\n");
  EXPECT_NE(error_of("a.txt").find("a.txt: holds JSON rows, no plain text; name it a.jsonl"),
            std::string::npos);
  folder_.write("a.csv", "text\nWhat stands here.\n");
  EXPECT_EQ(load("a.csv").forget->examples.at(0).tokens.size(), 17u);
  folder_.write("a.ndjson", "{\"text\":\"What stands here.\"}\n");
  EXPECT_EQ(load("a.ndjson").forget->examples.at(0).tokens.size(), 17u);
  folder_.write("a.md", "Fine.\nNot \xE9 fine.\n");
  EXPECT_NE(error_of("a.md").find("a.md:2: not valid UTF-8"), std::string::npos);
}

TEST_F(OwnFiles, RefusalLinesAreNoJson) {
  folder_.write("f.jsonl", row("a", "b"));
  config_.alternate = folder_.write("idk.jsonl", "{\"text\":\"I do not know.\"}\n").string();
  config_.forget = "f.jsonl";
  const std::string message = refusal([&] {
    load_splits(config_, config_.chosen().layout, {.forget = true, .alternate = true}, tok_,
                named_template("phi"), 1000);
  });
  EXPECT_NE(message.find("idk.jsonl: holds JSON rows, no plain text"), std::string::npos)
      << message;
}

}  // namespace
}  // namespace unlearn::data
