// How own texts are cut into what asks and what is asked for.
#include <gtest/gtest.h>

#include "benchmarks/text/module.h"
#include "unlearn/core/strings.h"

namespace unlearn::benchmarks::text {
namespace {

std::string numbered(int first, int count) {
  std::string text;
  for (int i = first; i < first + count; ++i) text += cat(i == first ? "" : " ", "w", i);
  return text;
}

TEST(OwnText, WindowsAskWithTheirFirstThird) {
  const auto rows = windows_of("  " + numbered(0, 90) + "\n\n" + numbered(90, 7) + " ", 4);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].question, numbered(0, 30));
  EXPECT_EQ(rows[0].answer, numbered(30, 60));
  EXPECT_EQ(rows[0].row, 4);
  EXPECT_EQ(rows[1].question, numbered(90, 2));
  EXPECT_EQ(rows[1].answer, numbered(92, 5));
  EXPECT_TRUE(windows_of(numbered(0, 5), 0).empty());
  EXPECT_EQ(windows_of(numbered(0, 95), 0).size(), 1U);
  EXPECT_EQ(windows_of("a\tb\nc d e f", 0).at(0).answer, "c d e f");
}

}  // namespace
}  // namespace unlearn::benchmarks::text
