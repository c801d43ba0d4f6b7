#include "unlearn/train/event_file.h"

#include <gtest/gtest.h>

#include "unlearn/core/files.h"

namespace unlearn::train {
namespace {
namespace fs = std::filesystem;

// RFC 3720, appendix B.4, and the usual check string.
TEST(GoldenEventFile, Crc32cVectors) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
}

TEST(EventFile, RecordsAreFramedAndHoldTheScalars) {
  const fs::path folder = fs::path(::testing::TempDir()) / "unlearn_event_file_test";
  fs::remove_all(folder);
  {
    EventFile file(folder);
    file.write(7, {{"train/loss", 0.5}});
  }
  std::string bytes;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("events.")) bytes = read_file(entry.path());
  }
  size_t begin = 0;
  std::vector<std::string> events;
  while (begin < bytes.size()) {
    uint64_t length = 0;
    std::memcpy(&length, bytes.data() + begin, sizeof length);
    ASSERT_LE(begin + 16 + length, bytes.size());
    events.push_back(bytes.substr(begin + 12, length));
    begin += 16 + length;
  }
  ASSERT_EQ(events.size(), 2U);
  EXPECT_NE(events[0].find("brain.Event:2"), std::string::npos);
  EXPECT_NE(events[1].find("train/loss"), std::string::npos);
  const float half = 0.5F;
  EXPECT_NE(events[1].find(std::string(reinterpret_cast<const char*>(&half), 4)),
            std::string::npos);
}

}  // namespace
}  // namespace unlearn::train
