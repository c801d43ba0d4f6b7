#include "unlearn/core/strings.h"

#include <gtest/gtest.h>

#include "unlearn/core/error.h"
#include "unlearn/core/printable.h"

namespace unlearn {
namespace {

TEST(Strings, NearestFindsTheTypo) {
  EXPECT_EQ(nearest("simpno", {"npo", "simnpo", "ga"}), "simnpo");
  EXPECT_EQ(nearest("x", {}), "");
}

TEST(Strings, SuggestionsAreNear) {
  const std::vector<std::string> flags = {"--help", "--version", "--lr", "--epochs", "--beta"};
  const auto is = [](const std::string& name) { return cat(" (did you mean '", name, "'?)"); };
  EXPECT_EQ(did_you_mean("--epoch", flags), is("--epochs"));
  EXPECT_EQ(did_you_mean("--bata", flags), is("--beta"));
  EXPECT_EQ(did_you_mean("--vresion", flags), is("--version"));
  EXPECT_EQ(did_you_mean("--x", flags), "");
  EXPECT_EQ(did_you_mean("--epochization", flags), "");
  EXPECT_EQ(did_you_mean("version", {"train", "metrics", "eval"}), "");
  EXPECT_EQ(did_you_mean("", {"a", "ga"}), "");
  EXPECT_EQ(did_you_mean("x", {"a", "ga"}), "");
}

TEST(Strings, SuggestionsKnowOtherProgramsWords) {
  const std::vector<std::string> keys = {"model.path", "data.forget", "train.epochs", "train.lr",
                                         "train.batch_size"};
  const auto suggests = [&](const std::string& typed, const std::string& name) {
    EXPECT_NE(did_you_mean(typed, keys).find(cat("did you mean '", name, "'")), std::string::npos)
        << typed << did_you_mean(typed, keys);
  };
  suggests("lr", "train.lr");
  suggests("method.lr", "train.lr");
  suggests("learning_rate", "train.lr");
  suggests("train.learning-rate", "train.lr");
  suggests("--learning-rate", "train.lr");
  suggests("num_train_epochs", "train.epochs");
  suggests("per_device_train_batch_size", "train.batch_size");
  suggests("train.gradient_accumulation_steps", "train.batch_size");
  suggests("pretrained_model_name_or_path", "model.path");
  suggests("forget_split", "data.forget");
  EXPECT_NE(did_you_mean("-V", {"--lr", "--version"}).find("'--version'"), std::string::npos);
  EXPECT_EQ(did_you_mean("-V", {"--lr"}), "");
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
  // What turns the direction of the rest of a line, or ends it.
  EXPECT_EQ(printable("a\u202eb\u2066"), "a\\xe2\\x80\\xaeb\\xe2\\x81\\xa6");
  EXPECT_EQ(printable("\u2028 \u061c"), "\\xe2\\x80\\xa8 \\xd8\\x9c");
  EXPECT_EQ(printable("“\u2027\u2030”"), "“\u2027\u2030”");
  const std::string cut = printable(std::string(100000, 'x'));
  EXPECT_LT(cut.size(), 2100U);
  EXPECT_TRUE(cut.ends_with("(98000 bytes more)"));
}

TEST(Printable, NamesDoNotEndAMessage) {
  try {
    user_error("tensor '", std::string("a\0b\nc", 5), "' is missing");
  } catch (const UserError& error) {
    EXPECT_STREQ(error.what(), "tensor 'a\\x00b\\nc' is missing");
    return;
  }
  FAIL();
}

}  // namespace
}  // namespace unlearn
