#include "unlearn/metrics/rouge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "metrics/golden.h"
#include "metrics/text/lcs.h"
#include "unlearn/core/rng.h"
#include "unlearn/core/strings.h"
#include "unlearn/metrics/stemmer.h"

namespace unlearn::metrics {
namespace {

TEST(Stemmer, KnownStems) {
  const std::vector<std::pair<std::string, std::string>> known = {
      {"dying", "die"},
      {"skies", "sky"},
      {"died", "die"},
      {"studied", "studi"},
      {"flies", "fli"},
      {"happily", "happili"},
      {"enjoyment", "enjoy"},
      {"relational", "relat"},
      {"conditional", "condit"},
      {"generalization", "gener"},
      {"radically", "radic"},
      {"hopefully", "hope"},
      {"sensibility", "sensibl"},
      {"geology", "geolog"},
      {"archaeological", "archaeolog"},
      {"authorities", "author"},
      {"writing", "write"},
      {"winning", "win"},
      {"falling", "fall"},
      {"hoping", "hope"},
      {"agreed", "agre"},
      {"university", "univers"},
      {"international", "intern"},
      {"literature", "literatur"},
      {"controlling", "control"},
      {"rolling", "roll"},
      {"yearly", "yearli"},
      {"owed", "owe"},
      {"oed", "o"},
      {"ies", "i"},
      {"aging", "age"},
      {"ability", "abil"},
  };
  for (const auto& [word, stem] : known) EXPECT_EQ(porter_stem(word), stem) << word;
}

TEST(GoldenStemmer, EveryWordAgreesWithNltk) {
  const Json data = golden("stems");
  const std::vector<std::string> words = split(data.at("words").get<std::string>(), ' ');
  const std::vector<std::string> stems = split(data.at("stems").get<std::string>(), ' ');
  ASSERT_EQ(words.size(), stems.size());
  ASSERT_GE(words.size(), 10000U);
  for (size_t i = 0; i < words.size(); ++i) EXPECT_EQ(porter_stem(words[i]), stems[i]) << words[i];
}

TEST(Rouge, KnownPairs) {
  const std::string reference = "The author's full name is Hsiao Yun-Hwa.";
  const std::string hypothesis = "Answer: The authors' names were Ming-hua Chen.";
  EXPECT_NEAR(rouge(reference, hypothesis, true).rouge_l.recall, 0.333333333333, 1e-12);
  EXPECT_NEAR(rouge(reference, hypothesis, true).rouge_l.f1, 0.352941176471, 1e-12);
  EXPECT_NEAR(rouge(reference, hypothesis, false).rouge_l.recall, 0.111111111111, 1e-12);
  EXPECT_NEAR(rouge(reference, hypothesis, false).rouge_l.f1, 0.117647058824, 1e-12);
  const std::string data = "He happily studied relational databases, flying to conferences.";
  const std::string other = "happy studies of relation database; flies to conference";
  EXPECT_EQ(rouge(data, other, true).rouge_l.recall, 0.75);
  EXPECT_EQ(rouge(data, other, true).rouge_l.f1, 0.75);
  EXPECT_EQ(rouge(data, other, false).rouge_l.recall, 0.125);
  EXPECT_EQ(rouge("na\xC3\xAFve caf\xC3\xA9", "naive cafe", true).rouge_l.f1, 0);
  EXPECT_EQ(rouge("", "a b", true).rouge1.f1, 0);
}

TEST(Rouge, TokensKeepOnlyLettersAndDigits) {
  const std::vector<std::string> expected = {"i", "stanbul", "kelvin", "x2", "caf"};
  EXPECT_EQ(rouge_tokens("\xC4\xB0stanbul \xE2\x84\xAA"
                         "elvin-X2\ncaf\xC3\xA9",
                         false),
            expected);
  // Bytes that are no UTF-8 separate, and a truncated sequence at the end is no trouble.
  EXPECT_EQ(rouge_tokens("a\xFF"
                         "b\xE2\x84",
                         true),
            (std::vector<std::string>{"a", "b"}));
}

TEST(GoldenRouge, AgreesWithRougeScore) {
  const Json cases = golden("rouge");
  ASSERT_GE(cases.size(), 1000U);
  for (size_t i = 0; i < cases.size(); ++i) {
    const auto reference = cases[i][0].get<std::string>();
    const auto hypothesis = cases[i][1].get<std::string>();
    for (const bool stem : {false, true}) {
      const RougeScores scores = rouge(reference, hypothesis, stem);
      const size_t at = stem ? 8 : 2;
      EXPECT_EQ(scores.rouge1.precision, cases[i][at].get<double>()) << reference;
      EXPECT_EQ(scores.rouge1.recall, cases[i][at + 1].get<double>()) << reference;
      EXPECT_EQ(scores.rouge1.f1, cases[i][at + 2].get<double>()) << reference;
      EXPECT_EQ(scores.rouge_l.precision, cases[i][at + 3].get<double>()) << reference;
      EXPECT_EQ(scores.rouge_l.recall, cases[i][at + 4].get<double>()) << reference;
      EXPECT_EQ(scores.rouge_l.f1, cases[i][at + 5].get<double>()) << reference;
    }
  }
}

int64_t lcs_by_definition(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  std::vector<std::vector<int64_t>> table(a.size() + 1, std::vector<int64_t>(b.size() + 1, 0));
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      table[i][j] = a[i - 1] == b[j - 1] ? table[i - 1][j - 1] + 1
                                         : std::max(table[i - 1][j], table[i][j - 1]);
    }
  }
  return table[a.size()][b.size()];
}

TEST(Lcs, AgreesWithTheTableAcrossWordBoundaries) {
  Rng rng(7);
  for (int round = 0; round < 300; ++round) {
    const int32_t symbols = static_cast<int32_t>(1 + rng.below(6));
    std::vector<int32_t> a(static_cast<size_t>(rng.below(260)));
    std::vector<int32_t> b(static_cast<size_t>(rng.below(140)));
    for (int32_t& symbol : a) symbol = static_cast<int32_t>(rng.below(symbols));
    for (int32_t& symbol : b) symbol = static_cast<int32_t>(rng.below(symbols));
    ASSERT_EQ(lcs_length(a, b, symbols), lcs_by_definition(a, b)) << round;
    // A huge alphabet takes the other way.
    ASSERT_EQ(lcs_length(a, b, 1 << 30), lcs_by_definition(a, b)) << round;
  }
}

TEST(Rouge, ReportsItsSpeed) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's build is several times slower";
#endif
  std::string reference, hypothesis;
  for (int i = 0; i < 40; ++i) {
    reference += cat("celebrated", i % 7, " authors writing ");
    hypothesis += cat("the author writes novel", i % 5, " ");
  }
  const auto begin = std::chrono::steady_clock::now();
  constexpr int kRounds = 1000;
  double sum = 0;
  for (int i = 0; i < kRounds; ++i) sum += rouge(reference, hypothesis, true).rouge_l.recall;
  const std::chrono::duration<double, std::micro> spent = std::chrono::steady_clock::now() - begin;
  RecordProperty("microseconds_per_pair_of_120_and_160_words", cat(spent.count() / kRounds));
  EXPECT_GT(sum, 0);
  EXPECT_LT(spent.count() / kRounds, 10000);
}

}  // namespace
}  // namespace unlearn::metrics
