#include "unlearn/core/pattern.h"

#include <gtest/gtest.h>

#include <chrono>

#include "test_folder.h"
#include "unlearn/core/error.h"

namespace unlearn {
namespace {

// Python: re.fullmatch(pattern, name) is not None.
TEST(Pattern, MatchesTheWholeName) {
  const Pattern blocks(R"(model\.layers\.(5|6|7)\..*down_proj\.weight)", "key");
  EXPECT_TRUE(blocks.matches("model.layers.6.mlp.down_proj.weight"));
  EXPECT_FALSE(blocks.matches("model.layers.16.mlp.down_proj.weight"));
  EXPECT_FALSE(blocks.matches("model.layers.6.mlp.down_proj.weight.absmax"));
  EXPECT_FALSE(blocks.matches("base.model.layers.6.mlp.down_proj.weight"));
  EXPECT_TRUE(Pattern("a|ab", "key").matches("ab"));
  EXPECT_FALSE(Pattern("(?!.*norm).*weight", "key").matches("model.norm.weight"));
}

TEST(Pattern, ABadOneNamesItsKey) {
  const std::string message = refusal([] { Pattern("layers.(7", "some.key"); });
  EXPECT_TRUE(message.starts_with("some.key: 'layers.(7' is no regular expression")) << message;
}

TEST(Pattern, RunawayBacktrackingEndsAtOnce) {
  const auto start = std::chrono::steady_clock::now();
  const Pattern runaway("(a*)*(a*)*(b|d)", "some.key");
  const std::string message = refusal([&] { runaway.matches(std::string(60, 'a')); });
  EXPECT_TRUE(message.starts_with("some.key: the regular expression '(a*)*")) << message;
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

}  // namespace
}  // namespace unlearn
