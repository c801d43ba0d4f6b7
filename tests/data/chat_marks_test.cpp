// Which of our templates a folder's own Jinja template can be: by the marks of its turns.
#include "unlearn/data/chat_marks.h"

#include <gtest/gtest.h>

namespace unlearn::data {
namespace {

constexpr const char* kChatMl =
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' }}"
    "{% endfor %}";
constexpr const char* kInstructions =
    "{% for m in messages %}{{ '[INST] ' + m.content + ' [/INST]' }}{% endfor %}";
constexpr const char* kRoles =
    "{% for m in messages %}{{ '<|' + m['role'] + '|>\\n' + m['content'] + '<|end|>' }}{% endfor "
    "%}";

TEST(ChatMarks, AreThoseOfTheTurns) {
  EXPECT_EQ(chat_marks(named_template("qwen2")),
            (std::vector<std::string>{"<|im_start|>", "<|im_end|>"}));
  EXPECT_EQ(chat_marks(named_template("llama2")), (std::vector<std::string>{"[INST]", "[/INST]"}));
  EXPECT_EQ(chat_marks(named_template("gemma")),
            (std::vector<std::string>{"<start_of_turn>", "<end_of_turn>"}));
  EXPECT_TRUE(chat_marks(named_template("phi")).empty());
  EXPECT_TRUE(chat_marks(named_template("none")).empty());
}

TEST(ChatMarks, TellTheTemplatesApart) {
  EXPECT_TRUE(has_marks_of(kChatMl, named_template("qwen2")));
  EXPECT_FALSE(has_marks_of(kChatMl, named_template("llama2")));
  EXPECT_FALSE(has_marks_of(kChatMl, named_template("phi")));
  EXPECT_FALSE(has_marks_of(kChatMl, named_template("none")));
  EXPECT_TRUE(has_marks_of(kInstructions, named_template("llama2")));
  EXPECT_FALSE(has_marks_of(kInstructions, named_template("llama3")));
  EXPECT_TRUE(has_marks_of(kRoles, named_template("phi3")));
  EXPECT_TRUE(templates_like("{{ messages[0].content }}").empty());
}

}  // namespace
}  // namespace unlearn::data
