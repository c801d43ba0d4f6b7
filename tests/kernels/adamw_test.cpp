// The AdamW kernel's rounding: what is exact is exact, what is random is right on average.
#include "unlearn/kernels/adamw.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace unlearn::kernels {
namespace {

TEST(Bf16Test, WidensAndRoundsToNearestEven) {
  EXPECT_EQ(to_bf16(1.0F).bits, 0x3F80);
  EXPECT_EQ(to_bf16(float_from_bits(0x3F808000)).bits, 0x3F80);  // a tie goes to the even side
  EXPECT_EQ(to_bf16(float_from_bits(0x3F818000)).bits, 0x3F82);
  EXPECT_EQ(to_bf16(float_from_bits(0x3F808001)).bits, 0x3F81);
  EXPECT_TRUE(std::isnan(widen(to_bf16(NAN))));
  EXPECT_EQ(widen(to_bf16(INFINITY)), INFINITY);
}

TEST(SplitMasterTest, RestoresEveryBitPattern) {
  std::mt19937 random(1);
  for (uint32_t i = 0; i < (1U << 20); ++i) {
    // All low halves, under random high halves.
    const uint32_t bits = (i & 0xFFFFU) | (static_cast<uint32_t>(random()) << 16);
    Bf16 high;
    int16_t low;
    split_master(float_from_bits(bits), high, low);
    ASSERT_EQ(float_bits(join_master(high, low)), bits);
    if (std::isfinite(float_from_bits(bits)) && std::abs(float_from_bits(bits)) < 1e38F) {
      const float error = std::abs(widen(high) - float_from_bits(bits));
      ASSERT_LE(error, std::abs(widen(to_bf16(float_from_bits(bits))) - float_from_bits(bits)));
    }
  }
}

template <int kBits>
void check_code() {
  // Ascending, from exact 0 to exact 1, and every code's value maps back to the code.
  const uint32_t last = (1U << kBits) - 3;
  EXPECT_EQ(decode_magnitude<kBits>(0), 0.0F);
  EXPECT_EQ(decode_magnitude<kBits>(last), 1.0F);
  for (uint32_t code = 1; code <= last; ++code) {
    const float value = decode_magnitude<kBits>(code);
    ASSERT_GT(value, decode_magnitude<kBits>(code - 1));
    ASSERT_EQ(encode_magnitude<kBits>(value, 0, false), code) << value;
    ASSERT_EQ(encode_magnitude<kBits>(value, 0xFFFF, false), code) << value;
  }
}

TEST(StateCodeTest, CodesAreOrderedAndExact) {
  check_code<7>();
  check_code<8>();
  EXPECT_EQ(decode_magnitude<8>(1), std::ldexp(1.0F, -24));
  EXPECT_EQ(decode_magnitude<7>(1), std::ldexp(1.0F, -20));
}

// All 2^16 random numbers in turn: the mean of the decoded codes is the value itself.
TEST(StateCodeTest, RoundingIsUnbiased) {
  for (const float x : {0.9F, 0.3333F, 0.1F, 1e-3F, 3e-5F, 2e-6F, 3e-7F, 1e-8F}) {
    double first = 0, second = 0, bf16 = 0;
    for (uint32_t random = 0; random < 65536; ++random) {
      first += decode_signed(encode_signed(-x, random));
      second += decode_magnitude<8>(encode_magnitude<8>(x, random, false));
      bf16 += widen(to_bf16_stochastic(x, random));
    }
    // One random number is worth 2^-16 of a step, and a step at most the value itself (or, near 0,
    // the smallest code).
    EXPECT_NEAR(first / 65536, -x, 2e-5 * std::max(x, 1e-6F));
    EXPECT_NEAR(second / 65536, x, 2e-5 * std::max(x, 6e-8F));
    EXPECT_NEAR(bf16 / 65536, x, 1e-7 * x);
  }
}

TEST(StateCodeTest, ASecondMomentNeverVanishes) {
  EXPECT_EQ(encode_magnitude<8>(0.0F, 0, true), 0U);
  EXPECT_EQ(encode_magnitude<8>(1e-30F, 0, true), 1U);
}

TEST(RandomBitsTest, LookUniformAndIndependentOfNeighbours) {
  constexpr int kDraws = 1 << 20;
  std::vector<int> buckets(256);
  double products = 0, previous = 0;
  for (uint64_t i = 0; i < kDraws; ++i) {
    const uint32_t bits = random_bits({12345, 678}, i);
    ++buckets[bits & 255U];
    ++buckets[(bits >> 16) & 255U];
    const double value = (bits & 0xFFFFU) / 65536.0 - 0.5;
    products += value * previous;
    previous = value;
  }
  // Chi-squared with 255 degrees of freedom: mean 255, deviation 22.6.
  double chi = 0;
  for (const int count : buckets) {
    const double expected = 2.0 * kDraws / 256;
    chi += (count - expected) * (count - expected) / expected;
  }
  EXPECT_LT(chi, 255 + 5 * 22.6);
  EXPECT_GT(chi, 255 - 5 * 22.6);
  EXPECT_LT(std::abs(products / kDraws), 5.0 / 12 / std::sqrt(kDraws));
  EXPECT_NE(random_bits({1, 0}, 7), random_bits({0, 1}, 7));
  EXPECT_NE(random_bits({1, 2}, 7), random_bits({1, 2}, 7 + (uint64_t{1} << 32)));
}

}  // namespace
}  // namespace unlearn::kernels
