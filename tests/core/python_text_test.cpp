#include "unlearn/core/python_text.h"

#include <gtest/gtest.h>

#include <string>

#include "unlearn/core/files.h"
#include "unlearn/core/json.h"

namespace unlearn {
namespace {

std::string utf8(uint32_t c) {
  if (c < 0x80) return {static_cast<char>(c)};
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x800) return {static_cast<char>(0xC0 | (c >> 6)), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xE0 | (c >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | (c >> 18)), tail(12), tail(6), tail(0)};
}

// The golden list is every code point that Python's str.strip() takes away.
TEST(PythonText, StripsWhatPythonStrips) {
  const Json golden = read_json(std::string(UNLEARN_TEST_DIR) + "/golden/core/python_strip.json");
  const auto spaces = golden.at("spaces").get<std::vector<uint32_t>>();
  size_t next = 0;
  for (uint32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    const bool stripped = next < spaces.size() && spaces[next] == c;
    if (stripped) ++next;
    const std::string text = utf8(c);
    ASSERT_EQ(python_strip(text).empty(), stripped) << "U+" << std::hex << c;
    const std::string around = text + "a" + text + "b" + text;
    ASSERT_EQ(python_strip(around), stripped ? "a" + text + "b" : around) << "U+" << std::hex << c;
  }
  EXPECT_EQ(next, spaces.size());
  for (const Json& row : golden.at("texts")) {
    EXPECT_EQ(python_strip(row.at(0).get<std::string>()), row.at(1).get<std::string>());
  }
}

}  // namespace
}  // namespace unlearn
