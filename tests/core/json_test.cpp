// JSON texts against nlohmann's own parser, which reads them another way.
#include "unlearn/core/json.h"

#include <gtest/gtest.h>

#include "test_folder.h"
#include "unlearn/core/error.h"
#include "unlearn/core/rng.h"

namespace unlearn {
namespace {

void expect_same(const std::string& text) {
  const Json got = parse_json(text, "x");
  const Json want = Json::parse(text);
  EXPECT_EQ(got, want);
  EXPECT_EQ(got.dump(), want.dump());  // the order of keys and the kinds of numbers too
}

TEST(Json, TextsReadAsNlohmannReadsThem) {
  for (const char* text :
       {"null", "true", "-3", "18446744073709551615", "1.5e300", "0.0", "-0", "\"a\\u00e9\\n\"",
        "[]", "{}", "[[],{}]", R"({"b":1,"a":[1,{"c":null}],"b":{"d":2},"e":"f"})"}) {
    expect_same(text);
  }
}

// Objects of any size, with repeated keys: the last value counts, at the first one's place.
TEST(Json, ObjectsOfAnySizeAndRepeatedKeys) {
  Rng rng(8);
  for (const int64_t keys : {1, 15, 16, 17, 18, 40, 3000}) {
    std::string text = "{";
    for (int64_t i = 0; i < keys; ++i) {
      text += cat(i == 0 ? "" : ",", "\"k", rng.below(keys), "\":", i % 3 == 0 ? "{\"k1\":" : "[",
                  i, i % 3 == 0 ? "}" : "]");
    }
    expect_same(text + "}");
  }
}

std::string message_of(const std::string& text) {
  return refusal([&] { parse_json(text, "x"); });
}

TEST(Json, WrongTexts) {
  EXPECT_EQ(message_of("[1,"), "x: not valid JSON at byte 4");
  EXPECT_EQ(message_of(""), "x: not valid JSON at byte 1");
  EXPECT_EQ(message_of("{} {}"), "x: not valid JSON at byte 4");
  EXPECT_NE(message_of("1e999").find("x: not valid JSON: "), std::string::npos);
  const std::string open(200, '['), close(200, ']');
  EXPECT_EQ(message_of(open + close), "accepted");
  EXPECT_EQ(message_of("[" + open + close + "]"), "x: JSON nested deeper than 200 levels");
  EXPECT_EQ(message_of(std::string(100000, '{')), "x: not valid JSON at byte 2");
}

}  // namespace
}  // namespace unlearn
