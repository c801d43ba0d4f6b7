#include "unlearn/core/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "unlearn/core/error.h"
#include "unlearn/core/json.h"

namespace unlearn {
namespace {
namespace fs = std::filesystem;

class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / "unlearn_files_test";
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  fs::path folder_;
};

TEST_F(Files, AtomicWriteLeavesNoTemporaryBehind) {
  write_file_atomic(folder_ / "a.txt", "one");
  write_file_atomic(folder_ / "a.txt", "two");
  EXPECT_EQ(read_file(folder_ / "a.txt"), "two");
  EXPECT_THROW(write_file_atomic(folder_ / "a.txt", [](std::ostream&) { user_error("no"); }),
               UserError);
  EXPECT_EQ(read_file(folder_ / "a.txt"), "two");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(Files, LinksStayAndTheirTargetsAreReplaced) {
  write_file_atomic(folder_ / "target", "old");
  fs::create_symlink("target", folder_ / "link");  // relative to its own folder
  fs::create_symlink(folder_ / "link", folder_ / "second");
  fs::create_symlink("absent", folder_ / "dangling");
  fs::create_symlink("circle", folder_ / "circle");
  for (const char* name : {"second", "dangling"}) {
    write_file_atomic(folder_ / name, "new");
    EXPECT_TRUE(fs::is_symlink(folder_ / name));
  }
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(read_file(folder_ / "target"), "new");
  EXPECT_EQ(read_file(folder_ / "absent"), "new");
  EXPECT_THROW(write_file_atomic(folder_ / "circle", "new"), UserError);
}

TEST_F(Files, APipeIsWrittenInto) {
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] { read = read_file(pipe); });
  write_file_atomic(pipe, "through");
  reader.join();
  EXPECT_EQ(read, "through");
  EXPECT_TRUE(fs::is_fifo(pipe));
}

TEST_F(Files, Sha256OfKnownText) {
  // FIPS 180-4, example "abc".
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  write_file_atomic(folder_ / "abc", "abc");
  EXPECT_EQ(sha256_file(folder_ / "abc"), sha256("abc"));
}

TEST_F(Files, MissingFilesAreNamed) {
  try {
    read_file(folder_ / "absent");
    FAIL();
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("absent"), std::string::npos);
  }
  EXPECT_THROW(MappedFile(folder_ / "absent"), UserError);
  EXPECT_THROW(read_file(folder_), UserError);
}

TEST_F(Files, JsonRowsNameFileAndRow) {
  write_file_atomic(folder_ / "rows.jsonl", "{\"a\":1}\n\n{\"a\":2}\n{bad\n");
  std::vector<int64_t> rows;
  try {
    for_each_json_row(folder_ / "rows.jsonl",
                      [&](int64_t row, const Json&) { rows.push_back(row); });
    FAIL();
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("rows.jsonl: row 2"), std::string::npos);
  }
  EXPECT_EQ(rows, (std::vector<int64_t>{0, 1}));
  write_file_atomic(folder_ / "array.json", "[{\"a\":1},{\"a\":2}]");
  int64_t count = 0;
  for_each_json_row(folder_ / "array.json", [&](int64_t, const Json&) { ++count; });
  EXPECT_EQ(count, 2);
}

TEST_F(Files, DeepJsonIsRefused) {
  EXPECT_THROW(parse_json(std::string(100000, '['), "deep"), UserError);
}

}  // namespace
}  // namespace unlearn
