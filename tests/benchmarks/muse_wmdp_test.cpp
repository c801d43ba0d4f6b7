// Row checks of the MUSE and WMDP evaluation files.
#include <gtest/gtest.h>

#include "benchmarks/muse/questions.h"
#include "test_folder.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/eval/tasks.h"

namespace unlearn::benchmarks {
namespace {

using eval::tasks::find_task;
using eval::tasks::read_rows;
using muse::muse_corpus;
using muse::muse_corpus_folder;
using muse::read_knowmem;
using muse::read_privleak;
using muse::read_verbmem;
namespace fs = std::filesystem;

const fs::path kFixtures = fs::path(UNLEARN_TEST_DIR) / "data_fixtures";

fs::path temporary_folder(const std::string& name) {
  const fs::path folder = fs::path(::testing::TempDir()) / ("unlearn_" + name);
  fs::remove_all(folder);
  fs::create_directories(folder / "knowmem");
  return folder;
}

TEST(MuseData, PromptsHoldTheExamplesFirst) {
  const fs::path corpus = muse_corpus_folder((kFixtures / "muse").string(), "news/scal/forget_2");
  EXPECT_EQ(corpus.filename(), "news");
  const auto rows = read_knowmem(corpus, "retain", 2);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].prompt,
            "Question: Which planet is closest to the Sun?\nAnswer: Mercury\n\n"
            "Question: Where did a new library open?\nAnswer: In Halvik\n\n"
            "Question: What is the capital of France?\nAnswer: ");
  EXPECT_EQ(rows[0].truth, "Paris");
  EXPECT_EQ(read_verbmem(corpus, 0).size(), 4U);
  EXPECT_EQ(read_privleak(corpus, "holdout", 0).size(), 4U);
  EXPECT_EQ(muse_corpus("books/retain1"), "books");
  EXPECT_EQ(muse_corpus("opera"), "");
}

TEST(MuseData, BadRowsAreNamed) {
  const fs::path folder = temporary_folder("muse_rows");
  const fs::path questions = folder / "knowmem/forget_qa.json";
  write_file_atomic(folder / "knowmem/forget_qa_icl.json", R"([{"question":"q","answer":"a"}])");
  const auto read = [&] { read_knowmem(folder, "forget", 1); };
  // The second row is wrong although only one is wanted.
  write_file_atomic(questions, R"([{"question":"q","answer":"a"},{"question":"q","answer":7}])");
  EXPECT_NE(refusal(read).find("forget_qa.json: row 1: field 'answer' must be text"),
            std::string::npos);
  write_file_atomic(questions, R"([{"question":" ","answer":"a"}])");
  EXPECT_NE(refusal(read).find("row 0: field 'question' is empty"), std::string::npos);
  write_file_atomic(questions, "[]");
  EXPECT_NE(refusal(read).find("holds no row"), std::string::npos);
  EXPECT_NE(refusal([&] { muse_corpus_folder(folder.string(), "news"); }).find("is no folder"),
            std::string::npos);
}

TEST(WmdpData, QuestionsArePosedAsTheHarnessDoes) {
  const auto bio = read_rows({&find_task("wmdp_bio"), kFixtures / "wmdp/wmdp_bio.jsonl"}, {}, 2);
  ASSERT_EQ(bio.size(), 2U);
  EXPECT_EQ(bio[1].second.choices.at(1).context,
            "The following are multiple choice questions (with answers) about biology.\n\n"
            "What do ferns grow from?\nA. Seeds\nB. Spores\nC. Cones\nD. Bulbs\nAnswer:");
  EXPECT_EQ(bio[1].second.choices.at(1).continuation, " B");
  EXPECT_EQ(bio[1].second.right, (std::vector<uint8_t>{0, 1, 0, 0}));
  const auto mmlu = read_rows({&find_task("mmlu"), kFixtures / "wmdp/mmlu.jsonl"}, {}, 0);
  EXPECT_EQ(mmlu[0].second.subject, "elementary mathematics");
}

TEST(WmdpData, BadRowsAreNamed) {
  const fs::path file = temporary_folder("wmdp_rows") / "mmlu.jsonl";
  const std::pair<const char*, const char*> cases[] = {
      {R"({"choices":["1","2","3","4"],"answer":0,"subject":"s"})", "no field 'question'"},
      {R"({"question":"q","choices":["1","2","3"],"answer":0,"subject":"s"})", "four texts"},
      {R"({"question":"q","choices":[1,2,3,4],"answer":0,"subject":"s"})", "four texts"},
      {R"({"question":"q","choices":["1","2","3","4"],"answer":4,"subject":"s"})", "0, 1, 2 or 3"},
      {R"({"question":"q","choices":["1","2","3","4"],"answer":"A","subject":"s"})", "0, 1, 2"},
      {R"({"question":"q","choices":["1","2","3","4"],"subject":"s"})", "no field 'answer'"},
      {R"({"question":"q","choices":["1","2","3","4"],"answer":0})", "no field 'subject'"}};
  for (const auto& [row, expected] : cases) {
    write_file_atomic(file, row);
    const std::string message = refusal([&] { read_rows({&find_task("mmlu"), file}, {}, 0); });
    EXPECT_NE(message.find(expected), std::string::npos) << message;
    EXPECT_NE(message.find("mmlu.jsonl: row 0: "), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace unlearn::benchmarks
