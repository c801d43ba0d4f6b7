#include <gtest/gtest.h>

#include "test_folder.h"
#include "unlearn/core/error.h"
#include "unlearn/eval/evaluation.h"

namespace unlearn::eval {
namespace {

TEST(EvalConfig, IntervalsBetweenEvaluations) {
  EvalConfig config;
  EXPECT_EQ(config.interval(7), 0);
  config.every = "epoch";
  EXPECT_EQ(config.interval(7), 7);
  config.every = "3";
  EXPECT_EQ(config.interval(7), 3);
  config.check();
  for (const char* wrong : {"0", "-1", "3.5", "epochs", "", "3 "}) {
    config.every = wrong;
    EXPECT_NE(refusal([&] { config.check(); }).find("eval.every"), std::string::npos) << wrong;
  }
}

TEST(EvaluationTable, HeadlineFirstNullAsDashAbsentEmpty) {
  metrics::EvalReport first, second;
  first["zeta"].value = 0.25;
  first["alpha"].value = 1.0 / 3;
  first["lead"] = {};
  second["zeta"].value = 1e-119;
  const std::string table =
      comparison_table({{"before", &first}, {"a-much-longer-name", &second}}, {"lead", "absent"});
  EXPECT_EQ(table,
            "metric      before  a-much-longer-name\n"
            "lead             -                    \n"
            "alpha      0.33333                    \n"
            "zeta          0.25              1e-119\n");
}

}  // namespace
}  // namespace unlearn::eval
