#include "unlearn/metrics/mia.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "metrics/golden.h"
#include "unlearn/metrics/auc.h"
#include "unlearn/metrics/memorization.h"

namespace unlearn::metrics {
namespace {

const std::vector<double> kLogp = {-0.1, -3.2, -0.5, -2.2, -0.05, -1.7,
                                   -0.9, -4.0, -0.3, -1.1, -0.7};

TEST(MinK, KnownValues) {
  EXPECT_NEAR(mean_of_lowest(kLogp, 0.2).value(), 3.6, 1e-12);
  EXPECT_NEAR(mean_of_lowest(kLogp, 0.4).value(), 2.775, 1e-12);
  EXPECT_NEAR(mean_of_lowest(kLogp, 0.6).value(), 2.18333333333, 1e-11);
  EXPECT_NEAR(mean_of_lowest(kLogp, 0.05).value(), 4.0, 1e-12);
  EXPECT_FALSE(mean_of_lowest({}, 0.4).has_value());
}

TEST(MinKPlusPlus, LowestStandardisedTokens) {
  const std::vector<double> z = {0.810251318573, 0.801442421792, 0.662316812891};
  EXPECT_NEAR(mia_min_k_plus_plus({.token_z = z}).value(), -0.662316812891, 1e-12);
}

TEST(GoldenMia, AgreesWithPython) {
  const Json data = golden("attacks");
  for (const Json& row : data.at("zlib")) {
    EXPECT_EQ(zlib_length(row[0].get<std::string>()), row[1].get<size_t>()) << row[0];
  }
  for (const Json& row : data.at("min_k")) {
    const auto values = row[0].get<std::vector<double>>();
    EXPECT_NEAR(mean_of_lowest(values, row[1]).value(), row[2].get<double>(), 1e-12) << row.dump();
  }
  for (const Json& row : data.at("min_k_plus_plus")) {  // [log p, mu, variance, score]
    EXPECT_NEAR(min_k_plus_plus_token(row[0], row[1], row[2]), row[3].get<double>(), 1e-12);
  }
}

TEST(Mia, ScoresAndMissingInputs) {
  EXPECT_EQ(zlib_length("The cat sat on the mat."), 28U);
  EXPECT_EQ(zlib_length("The author's full name is Hsiao Yun-Hwa."), 48U);
  EXPECT_EQ(zlib_length(""), 8U);
  const ScoredText input = {.mean_loss = 1.5, .reference_mean_loss = 2.0, .text = ""};
  EXPECT_EQ(mia_loss(input).value(), 1.5);
  EXPECT_EQ(mia_zlib(input).value(), 1.5 / 8);
  EXPECT_EQ(mia_reference(input).value(), -0.5);
  EXPECT_FALSE(mia_gradnorm(input).has_value());
  EXPECT_FALSE(mia_min_k(input).has_value());
  EXPECT_FALSE(mia_zlib({}).has_value());
}

// OpenUnlearning keeps a text without a token to score, with 0.
TEST(GoldenMia, TextsWithoutATokenCount) {
  const Json data = golden("attacks").at("no_token");
  std::map<std::string, std::vector<double>> scores;
  for (const char* side : {"forget", "holdout"}) {
    for (const Json& text : data.at("texts").at(side)) {
      const auto logp = text.get<std::vector<double>>();
      scores[side].push_back(mia_min_k({.token_logp = logp}).value());
      EXPECT_EQ(mia_min_k_plus_plus({.token_z = logp}).value(), scores[side].back());
      EXPECT_NEAR(scores[side].back(),
                  data.at("scores").at(side)[scores[side].size() - 1].get<double>(), 1e-12);
    }
  }
  const double auc = auc_open_unlearning(scores["forget"], scores["holdout"]).value();
  EXPECT_NEAR(auc, data.at("auc").get<double>(), 1e-12);
  EXPECT_NEAR(privleak_open_unlearning(auc, 0.5), data.at("privleak_against_half").get<double>(),
              1e-9);
}

TEST(PrivLeak, BothConventions) {
  const std::vector<double> forget = {2.1, 1.9, 2.5, 3.0, 1.2};
  const std::vector<double> holdout = {2.2, 2.8, 1.0, 3.1, 2.6};
  const double muse = auc_muse(forget, holdout).value();
  EXPECT_NEAR(privleak_muse(muse, 0.4772), -24.5599329422, 1e-9);
  EXPECT_NEAR(privleak_muse(muse, 0.5393), -33.2468014092, 1e-9);
  EXPECT_NEAR(privleak_muse(muse, 0.5), -28, 1e-9);
  const double ou = auc_open_unlearning(forget, holdout).value();
  EXPECT_NEAR(privleak_open_unlearning(ou, 0.5), -28, 1e-7);
  EXPECT_NEAR(privleak_open_unlearning(ou, 1 - 0.4772), -24.5599329422, 1e-7);
}

TEST(Memorization, KnownValues) {
  const std::vector<uint8_t> middle = {1, 0, 1, 1};
  const std::vector<uint8_t> last = {1, 1, 1, 0};
  const std::vector<uint8_t> all = {1, 1, 1};
  EXPECT_EQ(exact_memorization(middle).value(), 0.75);
  EXPECT_EQ(extraction_strength(middle), 0.5);
  EXPECT_EQ(exact_memorization(last).value(), 0.75);
  EXPECT_EQ(extraction_strength(last), 0.25);
  EXPECT_EQ(extraction_strength(last, true), 0);
  EXPECT_EQ(exact_memorization(all).value(), 1);
  EXPECT_EQ(extraction_strength(all), 1);
  EXPECT_FALSE(exact_memorization({}).has_value());
  EXPECT_EQ(extraction_strength({}), 0);
}

}  // namespace
}  // namespace unlearn::metrics
