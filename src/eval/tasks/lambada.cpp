// LAMBADA (arXiv 1606.06031), OpenAI's version of its test set: the last word of a passage.
#include <cmath>
#include <numeric>

#include "eval/tasks/fields.h"
#include "eval/tasks/forms.h"

namespace unlearn::eval::tasks {
namespace {

TaskRow read_lambada(const Json& row, const TaskTexts&) {
  const std::string text = text_of(row, "text");
  const size_t last = text.rfind(' ');
  if (last == std::string::npos || last == 0) user_error("field 'text' must have two words");
  TaskRow result;
  result.choices.push_back({text.substr(0, last), text.substr(last)});
  result.right = {1};
  return result;
}

std::optional<double> is_said(const TaskRow&, const AnsweredRow& answered) {
  if (!std::isfinite(answered.logp.front())) return std::nullopt;
  return answered.greedy.front() ? 1.0 : 0.0;
}

std::optional<double> word_loss(const TaskRow&, const AnsweredRow& answered) {
  if (!std::isfinite(answered.logp.front())) return std::nullopt;
  return -answered.logp.front();
}

double to_perplexity(double mean_loss) { return std::exp(mean_loss); }

}  // namespace

Task task_lambada_openai() {
  return {
      "lambada_openai",
      "the last word of a passage (test split)",
      "text",
      read_lambada,
      {{"acc", is_said, nullptr, /*is_utility=*/true}, {"perplexity", word_loss, to_perplexity}},
      /*asks_greedy=*/true};
}

}  // namespace unlearn::eval::tasks
