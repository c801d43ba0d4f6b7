#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "unlearn/core/error.h"
#include "unlearn/metrics/own_data/measured.h"

namespace unlearn::metrics::own_data {
namespace {

Measured sample() {
  Measured measured;
  MeasuredRow row{{"Who?", "Mara Voss, 4471-2290."}};
  row.logprob = -0.1;
  row.scores = {-0.1, {-2.5, std::numeric_limits<double>::quiet_NaN()}};
  row.output = "Mara.";
  row.others = {{"polite", "Please: who?", "", "No."}};
  row.samples = {"a", "b"};
  measured.rows = {row};
  measured.retain = {{"What?", "That."}};
  measured.general = {"Bread."};
  measured.held_out = {-0.25, 1.0 / 3};
  measured.attacks["mia_loss"] = {{0.5}, {1.5, 2}};
  return measured;
}

TEST(Measured, IsReadBackAsItWas) {
  const Json json = measured_json(sample());
  const Measured back = measured_from_json(Json::parse(json.dump()), "x");
  EXPECT_EQ(measured_json(back), json);
  EXPECT_EQ(back.held_out, sample().held_out);
  EXPECT_TRUE(std::isnan(back.rows[0].scores.others[1]));
  EXPECT_EQ(back.rows[0].others[0].prompt, "Please: who?");
  EXPECT_FALSE(back.rows[0].logprob_base.has_value());
  EXPECT_THROW(measured_from_json(Json{{"rows", 3}}, "x"), UserError);
}

TEST(Measured, TwoSidesMakeTheEvidence) {
  Measured before = sample(), after = sample();
  after.rows[0].logprob = -4;
  after.rows[0].output = "Nobody.";
  after.rows[0].logprob_base = -5;
  after.held_out = {-0.5, 0.25};
  const Evidence evidence = evidence_of(before, after);
  EXPECT_EQ(evidence.rows[0].logprob_before, -0.1);
  EXPECT_EQ(evidence.rows[0].logprob_after, -4);
  EXPECT_EQ(evidence.rows[0].logprob_base, -5);
  EXPECT_EQ(evidence.rows[0].output_before, "Mara.");
  EXPECT_EQ(evidence.rows[0].output_after, "Nobody.");
  EXPECT_EQ(evidence.held_out.before, before.held_out);
  EXPECT_EQ(evidence.held_out.after, after.held_out);
  after.rows[0].text.answer = "Another.";
  EXPECT_THROW(evidence_of(before, after), UserError);
  after = sample();
  after.held_out.pop_back();
  EXPECT_THROW(evidence_of(before, after), UserError);
}

}  // namespace
}  // namespace unlearn::metrics::own_data
