#include "unlearn/core/hold_out.h"

#include <gtest/gtest.h>

#include <set>

namespace unlearn {
namespace {

TEST(HoldOut, AFifthAtLeastOneNeverAll) {
  EXPECT_TRUE(hold_out(0, 0.2, 1).held_out.empty());
  EXPECT_TRUE(hold_out(1, 0.2, 1).held_out.empty());
  EXPECT_EQ(hold_out(1, 0.2, 1).seen, std::vector<int64_t>{0});
  EXPECT_EQ(hold_out(2, 0.2, 1).held_out.size(), 1u);
  EXPECT_EQ(hold_out(7, 0.2, 1).held_out.size(), 1u);
  EXPECT_EQ(hold_out(8, 0.2, 1).held_out.size(), 2u);
  const HoldOut parts = hold_out(400, 0.2, 5);
  EXPECT_EQ(parts.held_out.size(), 80u);
  std::set<int64_t> all(parts.held_out.begin(), parts.held_out.end());
  all.insert(parts.seen.begin(), parts.seen.end());
  EXPECT_EQ(all.size(), 400u);
  EXPECT_EQ(parts.held_out, hold_out(400, 0.2, 5).held_out);
  EXPECT_NE(parts.held_out, hold_out(400, 0.2, 6).held_out);
  EXPECT_TRUE(hold_out(9, 0, 1).held_out.empty());
  EXPECT_EQ(hold_out(3, 0.9, 1).seen.size(), 1u);
}

}  // namespace
}  // namespace unlearn
