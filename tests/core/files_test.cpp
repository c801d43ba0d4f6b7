#include "unlearn/core/files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "unlearn/core/background_hash.h"
#include "unlearn/core/error.h"
#include "unlearn/core/json.h"
#include "unlearn/core/read_log.h"
#include "unlearn/core/written_file.h"

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

// A file in memory is a file; only descriptors are written into as they are.
TEST_F(Files, SharedMemoryHoldsFiles) {
  const fs::path folder = fs::path("/dev/shm") / cat("unlearn_files_test.", ::getpid());
  std::error_code error;
  if (!fs::create_directories(folder, error)) GTEST_SKIP() << "no /dev/shm";
  for (const char* content : {"first", "last"}) {
    const WrittenFile written = write_hashed_file(folder / "file", content);
    EXPECT_EQ(read_file(folder / "file"), content);
    EXPECT_EQ(written.bytes, std::string_view(content).size());
    EXPECT_EQ(written.sha256, sha256(content));
  }
  fs::remove_all(folder);
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

TEST_F(Files, APipeWithoutAWriterIsNotWaitedFor) {
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THROW(read_file(pipe), UserError);
  EXPECT_THROW(MappedFile{pipe}, UserError);
}

TEST_F(Files, Sha256OfKnownText) {
  // FIPS 180-4, example "abc".
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  write_file_atomic(folder_ / "abc", "abc");
  EXPECT_EQ(sha256_file(folder_ / "abc"), sha256("abc"));
}

// A pipe is read when somebody writes to it: here after its name is gone.
TEST_F(Files, AFileIsHashedInTheBackgroundWhenItsNameIsGone) {
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::future<std::string> hash = sha256_in_background(pipe);
  std::ofstream writer(pipe);
  fs::remove(pipe);
  writer << "abc" << std::flush;
  writer.close();
  EXPECT_EQ(hash.get(), sha256("abc"));
  EXPECT_THROW(sha256_in_background(folder_ / "absent"), UserError);
}

// By the definition, whichever thread took which piece.
TEST_F(Files, PiecesNameAFilesContent) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{1000}, size_t{1001}, size_t{3} << 20}) {
    std::string content(size, 'x');
    for (size_t i = 0; i < size; i += 97) content[i] = static_cast<char>(i);
    write_file_atomic(folder_ / "a", content);
    for (const size_t piece : {size_t{1000}, (size_t{1} << 20) + 5}) {
      std::string all = std::to_string(size) + " bytes in pieces of " + std::to_string(piece) + ":";
      for (size_t at = 0; at < size; at += piece) all += sha256(content.substr(at, piece));
      EXPECT_EQ(sha256_of_pieces(folder_ / "a", piece), sha256(all)) << size;
    }
    if (size == 0) continue;
    const std::string before = sha256_of_pieces(folder_ / "a", 1000);
    content.back() ^= 1;
    write_file_atomic(folder_ / "a", content);
    EXPECT_NE(sha256_of_pieces(folder_ / "a", 1000), before);
  }
  EXPECT_THROW(sha256_of_pieces(folder_ / "absent"), UserError);
}

TEST_F(Files, WhatIsWrittenIsHashedOnTheWay) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{65536}, (size_t{17} << 20) + 3}) {
    std::string content(size, 'x');
    for (size_t i = 0; i < size; i += 997) content[i] = static_cast<char>(i);
    const WrittenFile whole = write_hashed_file(folder_ / "a", content);
    EXPECT_EQ(whole.sha256, sha256(content));
    EXPECT_EQ(whole, hash_file(folder_ / "a"));
    const WrittenFile parts = write_hashed_file(folder_ / "b", [&](std::ostream& out) {
      for (size_t at = 0; at < size; at += 70001) {
        out << content.substr(at, 70001);
        if (at % 2 == 0) out << std::flush;
      }
    });
    EXPECT_EQ(parts.sha256, whole.sha256);
    EXPECT_EQ(parts.bytes, size);
  }
}

TEST_F(Files, FailedWritesSayWhy) {
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small { 100000, before.rlim_max };
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string message;
  try {
    write_file_atomic(folder_ / "a", std::string(3 << 20, 'x'));
  } catch (const UserError& error) {
    message = error.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_NE(message.find("a.tmp."), std::string::npos) << message;
  EXPECT_NE(message.find("File too large"), std::string::npos) << message;
  EXPECT_TRUE(fs::is_empty(folder_));
  // What the writer throws is thrown as it is.
  EXPECT_THROW(write_file_atomic(folder_ / "a", [](std::ostream&) { throw std::bad_alloc(); }),
               std::bad_alloc);
  EXPECT_TRUE(fs::is_empty(folder_));
}

// A mapped file that is cut short ends the process with a line, not with SIGBUS.
TEST_F(Files, AShrinkingMapIsToldOf) {
  write_file_atomic(folder_ / "map", std::string(3 << 20, 'x'));
  const auto read_cut = [&] {
    const MappedFile file(folder_ / "map");
    fs::resize_file(folder_ / "map", 10);
    char sum = 0;
    for (const std::byte b : file.bytes()) sum = static_cast<char>(sum + static_cast<char>(b));
    std::exit(sum == 3 ? 3 : 4);
  };
  EXPECT_EXIT(read_cut(), ::testing::ExitedWithCode(2),
              "error: .*map: cannot be read where it was");
  const FileStamp stamp = stamp_of(folder_ / "map");
  check_unwritten(folder_ / "map", stamp);
  fs::resize_file(folder_ / "map", 9);
  EXPECT_THROW(check_unwritten(folder_ / "map", stamp), UserError);
  write_file_atomic(folder_ / "map", "another");  // who has it mapped has the old one
  check_unwritten(folder_ / "map", stamp);
  fs::remove(folder_ / "map");
  check_unwritten(folder_ / "map", stamp);
}

TEST_F(Files, WhatWasReadIsWhatIsHashed) {
  const fs::path file = folder_ / "rows";
  write_file_atomic(file, "one");
  const ReadLog log;
  EXPECT_EQ(ReadLog::sha256_of(file), std::nullopt);
  read_file(file);
  write_file_atomic(file, "two");
  EXPECT_EQ(ReadLog::sha256_of(file), sha256("one"));
  read_file(file);
  EXPECT_THROW(ReadLog::sha256_of(file), UserError);
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
