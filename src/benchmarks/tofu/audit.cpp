// What an audit reads of a TOFU evaluation, and the questions it asks in other words.
#include <map>

#include "benchmarks/row_number.h"
#include "benchmarks/tofu/module.h"
#include "benchmarks/tofu/questions.h"

namespace unlearn::benchmarks::tofu {
namespace {

std::map<int64_t, std::string> paraphrased_questions(const std::filesystem::path& file) {
  std::map<int64_t, std::string> found;
  for_each_json_row(file, [&](int64_t row, const Json& value) {
    const auto text = value.find("paraphrased_question");
    if (text != value.end() && text->is_string()) found[row] = text->get<std::string>();
  });
  return found;
}

std::optional<eval::Questions> audit_questions(const eval::EvaluationInputs& inputs) {
  const bool chat = inputs.prompt_template.mask_answer_tag;
  eval::Questions questions{.prompt_template = inputs.prompt_template};
  questions.max_length = inputs.config.max_length.value_or(chat ? kChatLength : kPlainLength);
  questions.limits = {inputs.config.max_new_tokens,
                      inputs.config.max_total_tokens.value_or(chat ? 0 : kPlainLength),
                      {}};
  for (const TofuTaskData& task :
       load_tofu_tasks(inputs.data.root, inputs.data.forget, inputs.config.rows)) {
    const bool is_forget = task.split == TofuSplit::kForget;
    if (!is_forget && task.split != TofuSplit::kRetain) continue;
    const auto others = paraphrased_questions(task.file);
    for (const PerturbedRow& row : task.rows) {
      const auto other = others.find(row.row);
      (is_forget ? questions.forget : questions.retain)
          .push_back({row.row, row.question, row.answer, other == others.end() ? "" : other->second,
                      row.perturbed_answers});
    }
  }
  return questions;
}

void knowledge_only(eval::EvalConfig& config) {
  config.splits = {"forget"};
  std::erase(config.metrics, "model_utility");
}

}  // namespace

AuditSupport audit_support() {
  return {.knowledge = {{"probability", "forget_Q_A_Prob", number_of_row<"prob">},
                        {"rouge", "forget_Q_A_ROUGE", number_of_row<"rougeL_recall">},
                        {"extraction_strength", "extraction_strength", number_of_row<"score">}},
          .metrics = {"probability", "rouge", "extraction_strength", "model_utility"},
          .utility = value_of_metric<"model_utility">,
          .knowledge_only = knowledge_only,
          .questions = audit_questions};
}

}  // namespace unlearn::benchmarks::tofu
