#include "unlearn/core/strings.h"

#include <gtest/gtest.h>

#include "unlearn/core/printable.h"

namespace unlearn {
namespace {

TEST(Strings, NearestFindsTheTypo) {
  EXPECT_EQ(nearest("simpno", {"npo", "simnpo", "ga"}), "simnpo");
  EXPECT_EQ(nearest("x", {}), "");
}

TEST(Strings, Utf8Validity) {
  EXPECT_TRUE(is_valid_utf8("na\xC3\xAFve \xF0\x9F\x98\x80"));
  EXPECT_FALSE(is_valid_utf8("\xC0\xAF"));          // overlong
  EXPECT_FALSE(is_valid_utf8("\xED\xA0\x80"));      // surrogate
  EXPECT_FALSE(is_valid_utf8("\xF4\x90\x80\x80"));  // past U+10FFFF
  EXPECT_FALSE(is_valid_utf8("\xE2\x82"));          // cut short
}

TEST(Strings, NumberKeepsDigits) {
  EXPECT_EQ(number(0.1), "0.1");
  EXPECT_EQ(number(1e-5), "1e-05");
  EXPECT_EQ(number(123456789.123), "123456789");
}

TEST(Strings, SplitAndTrim) {
  EXPECT_EQ(split("a,,b", ',').size(), 3U);
  EXPECT_EQ(trim(" \t x y\n"), "x y");
}

TEST(Printable, OneLineWhateverItHolds) {
  EXPECT_EQ(printable("Grüße, 世界 🌍"), "Grüße, 世界 🌍");
  EXPECT_EQ(printable("a\nb\r\x1b[31m\x7f"), "a\\nb\\x0d\\x1b[31m\\x7f");
  EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");  // another escape
  EXPECT_EQ(printable(std::string(1, '\0')), "\\x00");
  const std::string cut = printable(std::string(100000, 'x'));
  EXPECT_LT(cut.size(), 2100U);
  EXPECT_TRUE(cut.ends_with("(98000 bytes more)"));
}

}  // namespace
}  // namespace unlearn
