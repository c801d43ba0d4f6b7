#include "unlearn/core/lock.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn {
namespace {
namespace fs = std::filesystem;

class Lock : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / cat("unlearn_lock_test.", ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    file_ = folder_ / FileLock::kName;
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_, file_;
};

TEST_F(Lock, IsHeldOnceAndGoesWithItsOwner) {
  {
    const FileLock lock(file_, "run");
    EXPECT_FALSE(FileLock::take_free(file_));
    EXPECT_THROW(FileLock(file_, "run"), UserError);
  }
  EXPECT_FALSE(fs::exists(file_));
  EXPECT_TRUE(FileLock::take_free(file_));
}

// Killed, or without room, while it wrote its record: whatever part of it is there, the lock is
// free.
TEST_F(Lock, AnUnfinishedRecordIsTakenOver) {
  std::string whole;
  {
    const FileLock lock(file_, "run");
    whole = read_file(file_);
  }
  ASSERT_GT(whole.size(), 20U);
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{5}, size_t{11}, whole.size() / 2, whole.size() - 1}) {
    write_file_atomic(file_, whole.substr(0, size));
    EXPECT_TRUE(FileLock::take_free(file_)) << size;
  }
}

TEST_F(Lock, SomebodyElsesFileStays) {
  for (const char* text : {"notes", "{}\n", "[1]\n", "{\"process\": 3}\n", "{\"process\":\n"}) {
    write_file_atomic(file_, text);
    EXPECT_THROW(FileLock::take_free(file_), UserError) << text;
    EXPECT_EQ(read_file(file_), text);
  }
}

}  // namespace
}  // namespace unlearn
