// The folder layouts of MUSE and WMDP, on texts of our own (tests/data_fixtures).
#include <gtest/gtest.h>

#include "test_folder.h"
#include "unlearn/benchmarks/benchmark.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/data/pair_stream.h"

namespace unlearn::data {
namespace {
namespace fs = std::filesystem;

const fs::path kFixtures = fs::path(UNLEARN_TEST_DIR) / "data_fixtures";

class Layouts : public ::testing::Test {
 protected:
  Splits load(const std::string& benchmark, const std::string& forget,
              const std::string& retain = "auto", const std::string& root = "") {
    benchmarks::DataSection config = config_;
    config.benchmark = benchmark;
    config.root = root.empty() ? (kFixtures / benchmark).string() : root;
    config.forget = forget;
    config.retain = retain;
    config.max_length = 24;
    return load_splits(config, config.chosen().layout, {.forget = true, .retain = true},
                       *tokenizer_, named_template("phi"), 1280);
  }

  std::string error_of(const std::string& benchmark, const std::string& forget,
                       const std::string& root = "") {
    return refusal([&] { load(benchmark, forget, "auto", root); });
  }

  // A folder of its own with one file in it.
  fs::path folder_with(const std::string& name, const std::string& content) {
    const fs::path root = fs::path(::testing::TempDir()) /
                          (std::string("unlearn_layouts_") +
                           ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root);
    fs::create_directories((root / name).parent_path());
    write_file_atomic(root / name, content);
    return root;
  }

  benchmarks::DataSection config_;
  std::unique_ptr<tokenizer::Tokenizer> tokenizer_ =
      tokenizer::load_tokenizer(fs::path(UNLEARN_SOURCE_DIR) / "data/tiny");
};

// Windows of the whole file's ids; the last is filled up with the first one's ids; every token but
// the first of a chunk is a target.
TEST_F(Layouts, MuseTextIsCutIntoChunks) {
  const Splits splits = load("muse", "news");
  EXPECT_EQ(splits.forget->file, kFixtures / "muse/news/raw/forget.txt");
  EXPECT_EQ(splits.retain->file, kFixtures / "muse/news/raw/retain1.txt");
  const auto ids = tokenizer_->encode(read_file(splits.forget->file), false);
  const auto& chunks = splits.forget->examples;
  ASSERT_EQ(chunks.size(), (ids.size() + 23) / 24);
  for (size_t i = 0; i < chunks.size(); ++i) {
    ASSERT_EQ(chunks[i].tokens.size(), 24U);
    EXPECT_EQ(chunks[i].num_labels, 23);
    EXPECT_EQ(chunks[i].row, static_cast<int64_t>(i));
    for (size_t t = 0; t < 24; ++t) {
      EXPECT_EQ(chunks[i].tokens[t], ids[(24 * i + t) % ids.size()]);
    }
  }
}

TEST_F(Layouts, MuseSplitNames) {
  EXPECT_EQ(load("muse", "books").retain->file, kFixtures / "muse/books/raw/retain1.txt");
  EXPECT_EQ(load("muse", "news/retain2").forget->file, kFixtures / "muse/news/raw/retain2.txt");
  const Splits scal = load("muse", "news/scal/forget_2");
  EXPECT_EQ(scal.forget->file, kFixtures / "muse/news/scal/forget_2.txt");
  EXPECT_EQ(scal.retain->file, kFixtures / "muse/news/raw/retain1.txt");
  EXPECT_EQ(load("muse", "news", "news/retain2").retain->file,
            kFixtures / "muse/news/raw/retain2.txt");
}

// A list of texts: one example per text, cut, never padded; given ids are taken as they are.
TEST_F(Layouts, MuseJsonLists) {
  const std::string file = (kFixtures / "muse/news/raw/forget.json").string();
  const auto texts = load("muse", file, "news/retain1").forget->examples;
  ASSERT_EQ(texts.size(), 3U);
  EXPECT_LE(texts[2].tokens.size(), 24U);
  const fs::path root =
      folder_with("news/raw/forget.json", R"(["Short.", {"text": "x", "input_ids": [7, 8, 9]}])");
  const auto given =
      load("muse", "news", (kFixtures / "muse/news/raw/retain1.txt").string(), root.string())
          .forget->examples;
  ASSERT_EQ(given.size(), 2U);
  EXPECT_EQ(given[0].tokens, tokenizer_->encode("Short.", true));
  EXPECT_EQ(given[1].tokens, (std::vector<int32_t>{7, 8, 9}));
}

TEST_F(Layouts, MuseMistakesAreNamed) {
  EXPECT_NE(error_of("muse", "opera").find("opera/raw/forget.txt not found"), std::string::npos);
  EXPECT_NE(error_of("muse", "news/scal/forget_9").find("forget_9.txt not found"),
            std::string::npos);
  const fs::path root = folder_with("news/raw/forget.json", R"(["fine text", {"txt": "x"}])");
  EXPECT_NE(error_of("muse", "news", root.string()).find("forget.json: row 1: no field 'text'"),
            std::string::npos);
  EXPECT_NE(error_of("muse", "news", folder_with("news/raw/forget.txt", "\xff bad").string())
                .find("not valid UTF-8"),
            std::string::npos);
  EXPECT_NE(error_of("muse", "news", "/absent").find("is not a folder"), std::string::npos);
  for (const char* id : {"4294967301", "-1", "2.0"}) {
    const fs::path ids =
        folder_with("news/raw/forget.json", cat("[{\"input_ids\": [3, ", id, "]}]"));
    EXPECT_NE(error_of("muse", "news", ids.string())
                  .find(cat("row 0: 'input_ids' must hold token ids, not ", id)),
              std::string::npos);
  }
}

// Rows of at most 50 characters are left out and keep no place; the others keep their row number.
TEST_F(Layouts, WmdpDropsShortRows) {
  const Splits splits = load("wmdp", "bio");
  std::vector<int64_t> forget, retain;
  for (const Example& example : splits.forget->examples) {
    forget.push_back(example.row);
    EXPECT_LE(example.tokens.size(), 24U);
    EXPECT_EQ(example.num_labels, static_cast<int64_t>(example.tokens.size()) - 1);
  }
  for (const Example& example : splits.retain->examples) retain.push_back(example.row);
  EXPECT_EQ(forget, (std::vector<int64_t>{0, 2, 3, 4}));
  EXPECT_EQ(retain, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(load("wmdp", "cyber").forget->examples.size(), 2U);
}

// OpenUnlearning joins all rows, short ones too, and cuts windows; a .txt and a .json agree.
TEST_F(Layouts, OpenUnlearningsChunking) {
  config_.chunking = data::Chunking::kOpenUnlearning;
  const auto tokens = [&](const Split& split) {
    std::vector<std::vector<int32_t>> all;
    for (const Example& example : split.examples) {
      EXPECT_LE(example.tokens.size(), 25U);
      all.push_back(example.tokens);
    }
    return all;
  };
  const auto from_text = tokens(*load("muse", "news").forget);
  EXPECT_GT(from_text.size(), 1U);
  const std::string list = read_file(kFixtures / "muse/news/raw/forget.json");
  const fs::path root = folder_with("news/raw/forget.json", list);
  EXPECT_EQ(tokens(*load("muse", (root / "news/raw/forget.json").string(),
                         (kFixtures / "muse/news/raw/retain1.txt").string())
                        .forget),
            from_text);
  EXPECT_GT(load("wmdp", "bio").forget->examples.size(), 4U);
  EXPECT_NE(error_of("wmdp", "bio",
                     folder_with("bio_remove_dataset.jsonl", "{\"txt\": \"x\"}\n").string())
                .find("bio_remove_dataset.jsonl: row 0: no field 'text'"),
            std::string::npos);
}

// Characters, not bytes: 50 two-byte letters are too short, 51 are not.
TEST_F(Layouts, WmdpCountsCharacters) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "é";
  const fs::path root = folder_with("keep.txt", text + "\n" + text + "é\n\n");
  const auto rows = load("wmdp", (kFixtures / "wmdp/bio_remove_dataset.jsonl").string(),
                         (root / "keep.txt").string())
                        .retain->examples;
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].row, 1);
}

TEST_F(Layouts, WmdpMistakesAreNamed) {
  EXPECT_NE(error_of("wmdp", "boi").find("did you mean 'bio'"), std::string::npos);
  EXPECT_NE(
      error_of("wmdp", "bio", folder_with("bio_remove_dataset.jsonl", "{\"text\": 3}\n").string())
          .find("bio_remove_dataset.jsonl: row 0: field 'text' must be text"),
      std::string::npos);
  EXPECT_NE(error_of("wmdp", "bio",
                     folder_with("bio_remove_dataset.jsonl", "{\"text\": \"short\"}\n").string())
                .find("holds no row of more than 50"),
            std::string::npos);
}

// muse_bench pairs forget chunk i with retain chunk i modulo their number, in any order.
TEST(PairStreams, ByRowFollowsTheForgetRow) {
  PairStreamOptions options;
  options.num_forget = 7;
  options.num_retain = 3;
  options.pairing = Pairing::kByRow;
  const PairStream stream(options);
  bool shuffled = false;
  for (int64_t position = 0; position < 21; ++position) {
    const PairItem item = stream.at(position);
    EXPECT_EQ(item.retain, item.forget % 3);
    shuffled |= item.forget != position % 7;
  }
  EXPECT_TRUE(shuffled);
}

}  // namespace
}  // namespace unlearn::data
