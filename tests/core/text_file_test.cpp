// Text files of any origin: what is read as Python reads it, and what is refused with a way out.
#include "unlearn/core/text_file.h"

#include <gtest/gtest.h>

#include <cmath>

#include "test_folder.h"
#include "unlearn/core/python_json.h"

namespace unlearn {
namespace {

using namespace std::string_literals;

// Python: open(path, encoding="utf-8-sig").read()
TEST(TextFile, ByteOrderMarkAndNewlinesAsInPython) {
  const TestFolder folder;
  EXPECT_EQ(read_text_file(folder.write("a", "\xEF\xBB\xBFone\r\ntwo\rthree\n\r\n\r")),
            "one\ntwo\nthree\n\n\n");
  EXPECT_EQ(read_text_file(folder.write("b", "")), "");
  EXPECT_EQ(read_text_file(folder.write("c", "a\0b"s)), "a\0b"s);
}

TEST(TextFile, OtherFormatsAreNamedWithAWayOut) {
  const TestFolder folder;
  const auto refused = [&](const std::string& name, const std::string& content) {
    const auto path = folder.write(name, content);
    std::string message = refusal([&] { read_text_file(path); });
    EXPECT_EQ(message.find(path.string() + ": is "), 0u) << message;
    EXPECT_NE(message.find(path.string(), path.string().size()), std::string::npos) << message;
    return message;
  };
  for (const auto& [name, content, what] :
       {std::tuple{"rows.parquet", "PAR1\x15\x04"s, "a Parquet file; "},
        {"rows.feather", "ARROW1\0\0"s, "an Arrow file; "},
        {"data-00000-of-00001.arrow", "\xFF\xFF\xFF\xFF\x10\0\0\0"s, "an Arrow stream"},
        {"rows.jsonl.gz", "\x1F\x8B\x08\0"s, "compressed with gzip; unpack it: gzip -dc "},
        {"rows.zst", "\x28\xB5\x2F\xFD\x24"s, "compressed with zstd"},
        {"rows.xz",
         "\xFD"
         "7zXZ\0"s,
         "compressed with xz"},
        {"rows.bz2", "BZh91AY&SY"s, "compressed with bzip2"},
        {"rows.xlsx", "PK\x03\x04"s, "a ZIP archive"},
        {"book.pdf", "%PDF-1.7"s, "a PDF document"},
        {"mine.txt", "\xFF\xFEH\0i\0"s, "UTF-16 text; convert it to UTF-8: iconv -f UTF-16 "},
        {"mine.md", "\xFE\xFF\0H\0i"s, "UTF-16 text"},
        {"other.txt", "H\0e\0l\0l\0o\0"s, "UTF-16 text; convert it to UTF-8: iconv -f UTF-16LE "},
        {"big.txt", "\0H\0e\0l\0l\0o"s, "UTF-16BE "},
        {"wide.txt", "\xFF\xFE\0\0H\0\0\0"s, "UTF-32 text"}}) {
    EXPECT_NE(refused(name, content).find(what), std::string::npos) << name;
  }
  const auto pointer =
      folder.write("model.json", "version https://git-lfs.github.com/spec/v1\noid");
  EXPECT_NE(refusal([&] { read_json(pointer); }).find("a Git LFS pointer"), std::string::npos);
  // The names of what is written are those of the file.
  EXPECT_NE(refused("OUT.txt", "\xFF\xFEH\0"s)
                .find("OUT.txt >" + (folder.path() / "OUT.utf8.txt").string()),
            std::string::npos);
}

TEST(TextFile, NamesOfJson) {
  for (const char* name : {"a.json", "a.jsonl", "a.ndjson", "a.JSONL", "b/a.jsonlines"}) {
    EXPECT_TRUE(is_json_name(name)) << name;
  }
  for (const char* name : {"a.txt", "json", "a.json.txt", "a.csv"})
    EXPECT_FALSE(is_json_name(name));
}

std::vector<Json> rows_of(const std::filesystem::path& path) {
  std::vector<Json> rows;
  for_each_json_row(path, [&](int64_t, const Json& row) {
    if (!row.is_object() || !row.contains("q") || !row["q"].is_string()) user_error("no text 'q'");
    rows.push_back(row);
  });
  return rows;
}

TEST(JsonRows, ByteOrderMarksAndWindowsLines) {
  const TestFolder folder;
  const std::vector<Json> wanted = {{{"q", "a"}}, {{"q", "b"}}};
  EXPECT_EQ(rows_of(folder.write("list.json", "\xEF\xBB\xBF[{\"q\":\"a\"},\r\n{\"q\":\"b\"}]")),
            wanted);
  EXPECT_EQ(rows_of(folder.write("lines", "\xEF\xBB\xBF{\"q\":\"a\"}\r\n{\"q\":\"b\"}\r\n")),
            wanted);
  EXPECT_EQ(rows_of(folder.write("mac", "{\"q\":\"a\"}\r{\"q\":\"b\"}")), wanted);
  // Two files of Windows put together.
  EXPECT_EQ(rows_of(folder.write("cat", "{\"q\":\"a\"}\n\xEF\xBB\xBF{\"q\":\"b\"}\n")), wanted);
}

TEST(JsonRows, NulBytesAreNoEnd) {
  const TestFolder folder;
  const auto path =
      folder.write("a.jsonl", "{\"q\":\"a\"}\n{\"q\":\"b\"}\0{\"q\":\"c\"}\n{\"q\":\"d\"}\n"s);
  EXPECT_EQ(refusal([&] { rows_of(path); }),
            path.string() + ": row 1: not valid JSON: a NUL byte at byte 10 (a damaged file?)");
  const auto config = folder.write("config.json", "{\"a\":1}\0,\"b\":2}"s);
  EXPECT_EQ(refusal([&] { read_json(config); }),
            config.string() + ": not valid JSON: a NUL byte at byte 8 (a damaged file?)");
  // An escaped one is a character.
  EXPECT_EQ(rows_of(folder.write("b.jsonl", R"({"q":"a\u0000b"})"))[0]["q"], "a\0b"s);
}

TEST(JsonRows, PythonsLiteralsAreNoValue) {
  const TestFolder folder;
  const auto rows = rows_of(folder.write(
      "a.jsonl",
      "{\"q\":\"NaN -Infinity\",\"x\":NaN,\"y\":[Infinity,-Infinity,-1]}\n{\"q\":\"b\"}\n"));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["q"], "NaN -Infinity");
  EXPECT_TRUE(rows[0]["x"].is_null());
  EXPECT_EQ(rows[0]["y"], Json::array({nullptr, nullptr, -1}));
  // In a field that is used it is a missing one.
  const auto path = folder.write("b.json", "[{\"q\":\"a\"},{\"q\":NaN}]");
  EXPECT_EQ(refusal([&] { rows_of(path); }), path.string() + ": row 1: no text 'q'");
  EXPECT_NE(refusal([&] { read_json(folder.write("c.json", "{\"x\":NaN}")); }), "accepted");
}

TEST(JsonRows, PythonsLiteralsAsNumbers) {
  const Json read = parse_python_json(
      "{\"a\": \"x \\\" NaN\", \"b\": NaN, \"c\": [-Infinity, Infinity]}", "x", NonFinite::kNumber);
  EXPECT_EQ(read.at("a"), "x \" NaN");
  EXPECT_TRUE(std::isnan(read.at("b").get<double>()));
  EXPECT_EQ(read.at("c"), Json::array({-INFINITY, INFINITY}));
}

TEST(JsonRows, OtherShapesAreNamedWithAWayOut) {
  const TestFolder folder;
  const auto refused = [&](const std::string& name, const std::string& content) {
    const auto path = folder.write(name, content);
    const std::string message = refusal([&] { rows_of(path); });
    EXPECT_EQ(message.find(path.string() + ": "), 0u) << message;
    return message.substr(std::min(message.size(), path.string().size() + 2));
  };
  for (const auto& [name, content, what] :
       {std::tuple{"a.csv", "q,a\nx,y\n", "is CSV (comma separated values); write its rows"},
        {"a.jsonl", "q,a\nx,y\n", "looks like CSV"},
        {"a.tsv", "q\ta\nx\ty\n", "is tab separated values"},
        {"b.txt", "q;a\nx;y\n", "looks like semicolon separated values"},
        {"a.html", "<html>", "is HTML or XML"},
        {"c.txt", "What is it?\nThat.\n",
         "is no JSON; rows are needed as JSON objects, one a line"},
        {"a.json", R"({"q":["a","b"],"a":["c","d"]})", "is one object of lists (columns q, a)"},
        {"b.json", "{\n \"q\": [\n  \"a\"],\n \"a\": [\"c\"]\n}", "is one object of lists"},
        {"c.json", R"({"q":{"0":"a","1":"b"},"a":{"0":"c","1":"d"}})",
         "columns keyed by row (q, a)"},
        {"d.json", R"({"0":{"q":"a"},"1":{"q":"b"}})", "is one object of rows (keys 0, …)"},
        {"e.json", R"({"version":1,"data":[{"q":"a"}]})", "whose rows are the list under 'data'"},
        {"f.json", "{\n  \"q\": \"a\",\n  \"a\": \"b\"\n}\n",
         "is one JSON object over several lines"},
        {"g.json", "{\n  \"q\": \"a\"\n}\n{\n  \"q\": \"b\"\n}\n",
         "JSON objects over several lines"},
        {"h.jsonl", "{\"q\":\"a\"},\n{\"q\":\"b\"},\n", "row 0: not valid JSON at byte"},
        {"i.jsonl", R"({"x":1})", "row 0: no text 'q'"}}) {
    EXPECT_NE(refused(name, content).find(what), std::string::npos) << refused(name, content);
  }
  // A row that only looks like columns is a row.
  EXPECT_EQ(rows_of(folder.write("row.jsonl", R"({"q":"a","more":[{"x":1}]})")).size(), 1u);
}

TEST(TextFile, RowsThatWouldBeReadAsPlainText) {
  const auto what = [](const std::string& name, const std::string& text) {
    return rows_in_plain_text(name, text, "text");
  };
  EXPECT_NE(what("a.txt", "{\"text\": \"x\"}\n{\"text\": \"y\"}\n").find("holds JSON rows"),
            std::string::npos);
  EXPECT_NE(what("a", "[\"x\",\n \"y\"]").find("name it a.jsonl"), std::string::npos);
  EXPECT_NE(what("a.txt", "{\n \"text\": \"x\"\n}").find("holds JSON rows"), std::string::npos);
  EXPECT_NE(what("a.csv", "anything").find("CSV"), std::string::npos);
  EXPECT_NE(what("a.txt", "id,\"text\"\n1,x\n").find("CSV"), std::string::npos);
  EXPECT_NE(what("a.txt", "id\ttext\n1\tx\n").find("tab separated"), std::string::npos);
  for (const char* text : {"", "Once, text was written.", "[1] A note.\n[2] Another.",
                           "{x} is a set.", "text", "{}", "[]", "[1, 2]", "\"text\"\n"}) {
    EXPECT_EQ(what("a.txt", text), "") << text;
  }
}

}  // namespace
}  // namespace unlearn
