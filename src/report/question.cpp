// Questions without the marks of prompt templates.
#include <algorithm>

#include "report/evaluation.h"
#include "unlearn/core/strings.h"

namespace unlearn::report {
namespace {

// What opens a user's turn; the last one in a prompt is the one that is answered.
constexpr std::string_view kTurns[] = {
    "<|im_start|>user",           "<|start_header_id|>user<|end_header_id|>",
    "<start_of_turn>user",        "<|user|>",
    "<|im_start|>user<|im_sep|>", "[INST]"};
constexpr std::string_view kTurnEnds[] = {"<|im_end|>", "<|eot_id|>", "<end_of_turn>",
                                          "<|end|>",    "</s>",       "[/INST]"};
// Plain words that templates without marks put around a question.
constexpr std::string_view kPlainBegins[] = {"Question:", "### Instruction:", "Human:", "Q:"};
constexpr std::string_view kPlainEnds[] = {
    "\nAnswer:", " Answer:", "\n### Response:", "\n\nAssistant:", "\nA:"};
constexpr std::string_view kSystemEnd = "<</SYS>>";

std::string_view of_last_turn(std::string_view text) {
  size_t begin = 0;
  for (const std::string_view mark : kTurns) {
    const size_t at = text.rfind(mark);
    if (at != std::string_view::npos) begin = std::max(begin, at + mark.size());
  }
  text.remove_prefix(begin);
  if (const size_t at = text.rfind(kSystemEnd); at != std::string_view::npos) {
    text.remove_prefix(at + kSystemEnd.size());
  }
  size_t end = text.size();
  for (const std::string_view mark : kTurnEnds) end = std::min(end, text.find(mark));
  return text.substr(0, end);
}

std::string_view without_plain_words(std::string_view text) {
  for (const std::string_view mark : kPlainBegins) {
    if (text.starts_with(mark)) {
      text.remove_prefix(mark.size());
      break;
    }
  }
  for (const std::string_view mark : kPlainEnds) {
    if (text.ends_with(mark)) return text.substr(0, text.size() - mark.size());
  }
  return text;
}

}  // namespace

std::string plain_question(const std::string& prompt) {
  std::string_view text = trim(of_last_turn(prompt));
  for (const std::string_view begin : {"<s>", "<bos>", "<|begin_of_text|>"}) {
    if (text.starts_with(begin)) text = trim(text.substr(begin.size()));
  }
  return std::string(trim(without_plain_words(text)));
}

}  // namespace unlearn::report
