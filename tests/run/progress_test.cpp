// The progress bar on a terminal.
#include "unlearn/run/progress.h"

#include <gtest/gtest.h>

namespace unlearn::run {
namespace {

TEST(Progress, TimeLeftFirstInWholeFigures) {
  train::StepRecord record;
  record.step = 12345;
  record.loss = 0.123456;
  record.terms = {{"forget", 12.3456}, {"retain", 0.000123456}};
  record.lr = 1e-5;
  record.grad_norm = 12.345;
  record.tokens = 100000;
  record.seconds = 0.5;
  for (const int64_t width : {40, 60, 80, 120, 200}) {
    const std::string line = progress_line(record, 99999, 7384, width);
    EXPECT_LT(static_cast<int64_t>(line.size()), width == 40 ? 50 : width) << line;
    EXPECT_EQ(line.find("] 12345/99999  2h3m4s left"), 17U) << line;
    // No figure is cut in the middle.
    EXPECT_TRUE(progress_line(record, 99999, 7384, 500).starts_with(line)) << line;
    EXPECT_TRUE(line.ends_with("left") ||
                progress_line(record, 99999, 7384, 500).substr(line.size(), 2) == "  " ||
                line.ends_with("tok/s"))
        << line;
  }
  EXPECT_NE(progress_line(record, 99999, 7384, 80).find("loss 0.12346"), std::string::npos);
}

}  // namespace
}  // namespace unlearn::run
