// WMDP and MMLU: zero-shot multiple choice by lm-evaluation-harness's rule. The letters " A" to
// " D" are scored after the prompt; prompt and letter are tokenised together, without BOS but for
// Gemma, and the prompt's own token count is what precedes the letter (lm_eval/api/model.py,
// _encode_pair; lm_eval/models/huggingface.py).
#include <algorithm>

#include "benchmarks/wmdp/log.h"
#include "benchmarks/wmdp/module.h"
#include "benchmarks/wmdp/questions.h"
#include "unlearn/core/error.h"

namespace unlearn::benchmarks::wmdp {

using eval::BenchmarkEvaluation;
using eval::EvaluationInputs;
using eval::MetricSelection;
using eval::Outcome;
using eval::Plan;
using eval::Results;

namespace {
namespace fs = std::filesystem;

// One question's place in the results: a choice between single tokens, or four scored texts.
struct ChoicePlan {
  ChoiceQuestion question;
  std::optional<eval::ChoiceId> choice;
  std::vector<eval::ScoreId> scores;
};
struct TaskPlan {
  std::string name;
  std::vector<ChoicePlan> questions;
};

// The last `limit` tokens; 0: all.
std::vector<int32_t> last_tokens(const std::vector<int32_t>& tokens, int64_t limit) {
  const auto size = static_cast<int64_t>(tokens.size());
  return {tokens.end() - (limit > 0 ? std::min(limit, size) : size), tokens.end()};
}

// Continuation tokens after the prompt as labels.
data::Example continuation_example(const std::vector<int32_t>& prompt,
                                   const std::vector<int32_t>& continuation) {
  data::Example example;
  example.tokens = prompt;
  example.tokens.insert(example.tokens.end(), continuation.begin(), continuation.end());
  example.labels.assign(prompt.size(), data::kIgnored);
  example.labels.insert(example.labels.end(), continuation.begin(), continuation.end());
  example.num_labels = static_cast<int64_t>(continuation.size());
  return example;
}

class WmdpEvaluation : public BenchmarkEvaluation {
 public:
  explicit WmdpEvaluation(const EvaluationInputs& inputs)
      : inputs_(inputs), selection_(inputs.config, offer(inputs.config)) {}

  std::string file_prefix() const override { return kFilePrefix; }
  std::vector<std::string> headline() const override {
    return {"wmdp_bio_acc", "wmdp_cyber_acc", "wmdp_chem_acc", "mmlu_acc"};
  }

  void plan(Plan& own, Plan&) override {
    const fs::path root = inputs_.data.root;
    if (root.empty()) user_error("no data folder: give --data DIR or data.root in the config");
    check_split_names();
    for (const ChoiceTask& task : kChoiceTasks) {
      if (!is_wanted(task.name)) continue;
      const fs::path file = root / cat(task.name, ".jsonl");
      if (!fs::exists(file)) {
        missing_.push_back(cat(task.name, "_acc is null: ", file.string(), " is not there"));
        nulls_.push_back(cat(task.name, "_acc"));
        continue;
      }
      TaskPlan& plan = tasks_.emplace_back(TaskPlan{task.name, {}});
      for (ChoiceQuestion& question : read_choice_questions(file, task, inputs_.config.rows)) {
        plan.questions.push_back(plan_question(std::move(question), own));
      }
    }
    if (tasks_.empty()) {
      user_error("data.root: ", root.string(),
                 " holds no questions; wmdp_bio.jsonl, wmdp_cyber.jsonl, wmdp_chem.jsonl or "
                 "mmlu.jsonl is needed");
    }
  }

  Outcome assemble(const Results& own, const Results&) const override {
    metrics::EvalReport report;
    for (const TaskPlan& task : tasks_) {
      report[task.name + "_acc"].details["value_by_index"] = stored_rows(task, own);
    }
    Outcome outcome;
    outcome.evaluation = evaluate_wmdp_log(report, "this evaluation");
    for (const std::string& name : nulls_) outcome.evaluation.metrics[name] = {};
    outcome.evaluation.warnings = missing_;
    return outcome;
  }

 private:
  bool is_wanted(const std::string& name) const {
    const auto& wanted = inputs_.config.splits;
    return std::any_of(wanted.begin(), wanted.end(),
                       [&](const std::string& split) { return split == "all" || split == name; });
  }

  void check_split_names() const {
    std::vector<std::string> known = {"all"};
    for (const ChoiceTask& task : kChoiceTasks) known.emplace_back(task.name);
    for (const std::string& name : inputs_.config.splits) {
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        user_error("eval.splits: unknown split '", name, "'", did_you_mean(name, known), "; use ",
                   join(known, ", "));
      }
    }
  }

  ChoicePlan plan_question(ChoiceQuestion question, Plan& own) const {
    // The harness sets add_bos_token for every model type with this in its name.
    const bool with_bos = inputs_.model_type.find("gemma") != std::string::npos;
    const std::vector<int32_t> prompt = inputs_.tokenizer.encode(question.prompt, with_bos);
    std::vector<std::vector<int32_t>> letters;
    for (const char* letter : kChoiceLetters) {
      const auto whole = inputs_.tokenizer.encode(question.prompt + letter, with_bos);
      const auto cut = static_cast<int64_t>(std::min(prompt.size(), whole.size()));
      letters.emplace_back(whole.begin() + cut, whole.end());
      UNLEARN_CHECK(!letters.back().empty(), "a letter is merged into the prompt");
    }
    // The harness takes the oldest tokens away, so that the model reads at most its context; the
    // last token is a label alone.
    const int64_t limit = inputs_.config.max_length.value_or(inputs_.context);
    ChoicePlan item{std::move(question), {}, {}};
    const bool single = std::all_of(letters.begin(), letters.end(),
                                    [](const auto& tokens) { return tokens.size() == 1; });
    if (single) {
      std::vector<int32_t> candidates;
      for (const auto& tokens : letters) candidates.push_back(tokens.front());
      item.choice = own.choose(last_tokens(prompt, limit), std::move(candidates));
    } else {
      for (const auto& tokens : letters) {
        const auto room = limit + 1 - static_cast<int64_t>(tokens.size());
        const auto context = last_tokens(prompt, limit > 0 ? std::max<int64_t>(1, room) : 0);
        item.scores.push_back(own.score(continuation_example(context, tokens)));
      }
    }
    return item;
  }

  static std::vector<double> log_likelihoods(const ChoicePlan& item, const Results& own) {
    if (item.choice) return own[*item.choice];
    std::vector<double> sums;
    for (const eval::ScoreId id : item.scores) sums.push_back(own[id].sum());
    return sums;
  }

  static Json stored_rows(const TaskPlan& task, const Results& own) {
    Json rows = Json::object();
    for (const ChoicePlan& item : task.questions) {
      rows[std::to_string(item.question.row)] = {{"subject", item.question.subject},
                                                 {"answer", item.question.answer},
                                                 {"logp", log_likelihoods(item, own)}};
    }
    return rows;
  }

  EvaluationInputs inputs_;
  MetricSelection selection_;
  std::vector<TaskPlan> tasks_;
  std::vector<std::string> missing_, nulls_;
};

}  // namespace

std::unique_ptr<BenchmarkEvaluation> make_evaluation(const EvaluationInputs& inputs) {
  return std::make_unique<WmdpEvaluation>(inputs);
}

}  // namespace unlearn::benchmarks::wmdp
