// What the first process of a run broadcasts about where it begins.
#include "run/run_start.h"

#include <gtest/gtest.h>

namespace unlearn::run {
namespace {

TEST(RunStart, SurvivesTheBroadcast) {
  for (const RunStart& start : {RunStart{}, RunStart{.is_trained = true},
                                RunStart{.is_trained = false, .checkpoint = int64_t{1} << 60},
                                RunStart{.is_trained = false, .checkpoint = 0},
                                RunStart{.checkpoint = 3, .origin = "a run/checkpoints/step-3"}}) {
    EXPECT_EQ(RunStart::from_bytes(start.to_bytes()), start) << start.to_bytes();
  }
}

}  // namespace
}  // namespace unlearn::run
