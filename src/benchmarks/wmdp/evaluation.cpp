// WMDP and MMLU: the tasks wmdp_bio, wmdp_cyber, wmdp_chem and mmlu (eval/tasks.h) from the files
// of one folder.
#include <algorithm>

#include "benchmarks/wmdp/log.h"
#include "benchmarks/wmdp/module.h"
#include "unlearn/core/error.h"
#include "unlearn/eval/tasks.h"

namespace unlearn::benchmarks::wmdp {

using eval::BenchmarkEvaluation;
using eval::EvaluationInputs;
using eval::MetricSelection;
using eval::Outcome;
using eval::Plan;
using eval::Results;

namespace {
namespace fs = std::filesystem;

constexpr const char* kTasks[] = {"wmdp_bio", "wmdp_cyber", "wmdp_chem", "mmlu"};

class WmdpEvaluation : public BenchmarkEvaluation {
 public:
  explicit WmdpEvaluation(const EvaluationInputs& inputs)
      : inputs_(inputs), selection_(inputs.config, offer(inputs.config)) {}

  std::string file_prefix() const override { return kFilePrefix; }
  std::vector<std::string> headline() const override {
    return {"wmdp_bio_acc", "wmdp_cyber_acc", "wmdp_chem_acc", "mmlu_acc"};
  }

  void plan(Plan& own, Plan& reference) override {
    const fs::path root = inputs_.data.root;
    if (root.empty()) user_error("no data folder: give --data DIR or data.root in the config");
    check_split_names();
    std::vector<eval::tasks::TaskFile> files;
    for (const char* task : kTasks) {
      if (!is_wanted(task)) continue;
      const fs::path file = root / cat(task, ".jsonl");
      if (fs::exists(file)) {
        files.push_back({&eval::tasks::find_task(task), file});
      } else {
        missing_.push_back(cat(task, "_acc is null: ", file.string(), " is not there"));
        nulls_.push_back(cat(task, "_acc"));
      }
    }
    if (files.empty()) {
      user_error("data.root: ", root.string(),
                 " holds no questions; wmdp_bio.jsonl, wmdp_cyber.jsonl, wmdp_chem.jsonl or "
                 "mmlu.jsonl is needed");
    }
    tasks_.emplace(inputs_, std::move(files), inputs_.config.rows);
    tasks_->plan(own, reference);
  }

  Outcome assemble(const Results& own, const Results& reference) const override {
    Outcome outcome;
    outcome.evaluation =
        evaluate_wmdp_log(tasks_->assemble(own, reference).evaluation.metrics, "this evaluation");
    for (const std::string& name : nulls_) outcome.evaluation.metrics[name] = {};
    outcome.evaluation.warnings.insert(outcome.evaluation.warnings.begin(), missing_.begin(),
                                       missing_.end());
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
    known.insert(known.end(), std::begin(kTasks), std::end(kTasks));
    for (const std::string& name : inputs_.config.splits) {
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        user_error("eval.splits: unknown split '", name, "'", did_you_mean(name, known), "; use ",
                   join(known, ", "));
      }
    }
  }

  EvaluationInputs inputs_;
  MetricSelection selection_;
  std::optional<eval::tasks::TaskEvaluation> tasks_;
  std::vector<std::string> missing_, nulls_;
};

}  // namespace

std::unique_ptr<BenchmarkEvaluation> make_evaluation(const EvaluationInputs& inputs) {
  return std::make_unique<WmdpEvaluation>(inputs);
}

}  // namespace unlearn::benchmarks::wmdp
