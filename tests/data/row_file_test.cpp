// People's files of rows: CSV and TSV, gzip, and the shapes of questions and answers.
#include "unlearn/data/row_file.h"

#include <gtest/gtest.h>

#include "data/gzip.h"
#include "data/separated.h"
#include "test_folder.h"
#include "unlearn/data/qa_fields.h"
#include "unlearn/data/rows.h"
#include "unlearn/data/template.h"

namespace unlearn::data {
namespace {
using namespace std::string_literals;

class RowFiles : public testing::Test {
 protected:
  // The rows as JSON, one a line; or what is refused, without the folder's name.
  std::string rows_of(const std::string& name, const std::string& content) {
    const auto file = folder_.write(name, content);
    std::string rows;
    const std::string refused = refusal([&] {
      for_each_data_row(
          file, [&](int64_t row, const Json& value) { rows += cat(row, " ", value.dump(), "\n"); });
    });
    return refused == "accepted" ? rows : without_folder(refused);
  }
  std::string qa_of(const std::string& name, const std::string& content,
                    const std::string& question = "question",
                    const std::string& answer = "answer") {
    const auto file = folder_.write(name, content);
    std::string rows;
    const std::string refused = refusal([&] {
      for (const QaRow& row : read_qa_rows(file, question, answer)) {
        rows += cat(row.question, "|", row.answer);
        for (const Turn& turn : row.earlier) rows += cat("|", turn.role, ":", turn.content);
        for (const std::string& other : row.paraphrases) rows += "~" + other;
        rows += ";";
      }
    });
    return refused == "accepted" ? rows : without_folder(refused);
  }
  std::string without_folder(std::string text) {
    const std::string folder = folder_.path().string() + "/";
    for (size_t at = text.find(folder); at != std::string::npos; at = text.find(folder)) {
      text.erase(at, folder.size());
    }
    return text;
  }
  TestFolder folder_;
};

// RFC 4180, section 2, and the byte order mark and line ends that spreadsheets write.
TEST_F(RowFiles, SeparatedValues) {
  EXPECT_EQ(rows_of("a.csv", "q,a\r\n\"x, \"\"y\"\"\",1\r\n\r\n\"two\r\nlines\",\r\n"),
            "0 {\"q\":\"x, \\\"y\\\"\",\"a\":\"1\"}\n1 {\"q\":\"two\\nlines\",\"a\":\"\"}\n");
  EXPECT_EQ(rows_of("a.csv", "\xEF\xBB\xBF\"q\",a\nx,y"), "0 {\"q\":\"x\",\"a\":\"y\"}\n");
  EXPECT_EQ(rows_of("a.csv", "q;a\nx, y;z\n"), "0 {\"q\":\"x, y\",\"a\":\"z\"}\n");
  EXPECT_EQ(rows_of("a.TSV", "q\ta\n5\" of it\ty,z\n"),
            "0 {\"q\":\"5\\\" of it\",\"a\":\"y,z\"}\n");
}

TEST_F(RowFiles, BadSeparatedValues) {
  EXPECT_EQ(rows_of("a.csv", ""), "a.csv: holds no header and no row");
  EXPECT_EQ(rows_of("a.csv", "q,q\n"), "a.csv:1: the header names 'q' twice");
  EXPECT_EQ(rows_of("a.csv", "q,\n"), "a.csv:1: the header has a field without a name");
  EXPECT_EQ(rows_of("a.csv", "q,a\n\"x\ny\",z\nu\n").substr(0, 60),
            "a.csv:4: row 1: 1 field where the header names 2; put quotat");
  EXPECT_EQ(rows_of("a.csv", "q,a\nx,y\n\"x,\ny").substr(0, 50),
            "a.csv:3: a quotation mark opens a field and none e");
  EXPECT_EQ(rows_of("a.csv", "q,a\n\"x\"y,z\n").substr(0, 50),
            "a.csv:2: text behind a field's last quotation mark");
  EXPECT_EQ(qa_of("a.csv", "question,answer\nx,y\nu,\n"),
            "a.csv:3: row 1: field 'answer' is empty");
}

// Two members, made by Python's gzip module.
TEST_F(RowFiles, Gzip) {
  const std::string bytes =
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x2a\x28\xca\xcf\x2d\x28\x51\xb2\x52\x2a"
      "\xb0\x57\xd2\x51\x4a\x06\x72\x72\x52\x4b\x32\xf3\xf3\x80\x22\xc9\x4a\xb5\x5c\x00\x5e\x0a"
      "\xcb\x82\x21\x00\x00\x00\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x2a\x28\xca\xcf"
      "\x2d\x28\x51\xb2\x52\x2a\xb4\x57\xd2\x51\x2a\x4a\x2d\x2e\xc8\xcf\x2b\x4e\x05\xf2\x53\x94"
      "\x6a\xb9\x00\x63\xc4\xf3\xb9\x1f\x00\x00\x00"s;
  EXPECT_EQ(qa_of("a.jsonl.gz", bytes), "p?|c;q?|d;");
  EXPECT_EQ(qa_of("a.jsonl", bytes), "p?|c;q?|d;");  // by its first bytes
  EXPECT_EQ(qa_of("a.jsonl.gz", bytes.substr(0, 60)),
            "a.jsonl.gz: the gzip file ends early; is its copy complete?");
  std::string damaged = bytes;
  damaged[30] = static_cast<char>(damaged[30] ^ 4);
  EXPECT_EQ(qa_of("a.jsonl.gz", damaged).substr(0, 36), "a.jsonl.gz: the gzip file is damaged");
  EXPECT_NE(refusal([&] { gunzip(bytes, "x.gz", 40); }).find("x.gz: unpacks to more than 0 MiB"),
            std::string::npos);
}

TEST_F(RowFiles, OtherFormatsAreRefusedWithTheConversion) {
  EXPECT_NE(rows_of("a.parquet", "PAR1xxxx").find("pandas.read_parquet("), std::string::npos);
  EXPECT_NE(rows_of("a.arrow", "ARROW1\0\0"s).find("pandas.read_feather("), std::string::npos);
}

TEST_F(RowFiles, ShapesOfQuestions) {
  EXPECT_EQ(qa_of("a.jsonl", R"({"prompt":"p","completion":"c"})"), "p|c;");
  EXPECT_EQ(qa_of("a.jsonl", R"({"prompt":"p","answer":"c"})"), "p|c;");
  EXPECT_EQ(qa_of("a.json", R"([{"instruction":"i","input":"","output":"o"},
                                {"instruction":"i","input":"more","output":"o"}])"),
            "i|o;i\n\nmore|o;");
  EXPECT_EQ(qa_of("a.jsonl", R"({"q":"x","a":"y"})", "q", "a"), "x|y;");
  EXPECT_EQ(qa_of("a.csv", "instruction,output\ni,o\n"), "i|o;");
  EXPECT_EQ(qa_of("a.jsonl", R"({"question":"x","answer":"y","paraphrases":["u","v"]})"),
            "x|y~u~v;");
  EXPECT_EQ(qa_of("a.jsonl", R"({"messages":[{"role":"user","content":"x"},)"
                             R"({"role":"assistant","content":"y"}]})"),
            "x|y;");
  EXPECT_EQ(qa_of("a.jsonl", R"({"messages":[{"role":"system","content":"s"},)"
                             R"({"role":"user","content":"u"},{"role":"assistant","content":"v"},)"
                             R"({"role":"user","content":"x"},)"
                             R"({"role":"assistant","content":"y"}]})"),
            "x|y|system:s|user:u|assistant:v;");
}

TEST_F(RowFiles, BadShapes) {
  const std::string good = "{\"question\":\"u\",\"answer\":\"v\"}\n";
  EXPECT_EQ(qa_of("a.jsonl", R"({"text":"x"})").substr(0, 64),
            "a.jsonl: row 0: no field 'question'; the row has text; known are");
  EXPECT_EQ(qa_of("a.jsonl", R"({"prompt":"p","reply":"c"})"),
            "a.jsonl: row 0: no field 'completion'; the row has prompt, reply");
  EXPECT_EQ(
      qa_of("a.jsonl", good + R"({"messages":[{"role":"user","content":"x"}]})").substr(0, 53),
      "a.jsonl: row 1: field 'messages' must end with a turn");
  EXPECT_EQ(qa_of("a.jsonl", good + R"({"messages":[{"role":"tool","content":"x"}]})"),
            "a.jsonl: row 1: field 'messages', turn 0: the role must be system, user or assistant, "
            "not 'tool'");
  EXPECT_EQ(qa_of("a.jsonl", R"({"question":"x","answer":"y","paraphrases":[3]})"),
            "a.jsonl: row 0: field 'paraphrases' must be text");
}

TEST(RowFile, TurnsNeedAChatTemplate) {
  const std::vector<Turn> turns = {{"system", "s"}};
  EXPECT_NE(
      refusal([&] { named_template("phi").after(turns); }).find("have no place in template phi"),
      std::string::npos);
  EXPECT_EQ(named_template("phi").after({}).question_start, "Question: ");
}

}  // namespace
}  // namespace unlearn::data
