#include "benchmarks/tofu/inputs.h"

#include <algorithm>

#include "benchmarks/tofu/module.h"
#include "unlearn/core/error.h"

namespace unlearn::benchmarks::tofu {
namespace {
namespace fs = std::filesystem;

struct SplitNames {
  TofuSplit split;
  TofuTask task;
  const char* name;  // in eval.splits
  const char* file;  // for messages
};
constexpr SplitNames kSplits[] = {
    {TofuSplit::kForget, TofuTask::kForget, "forget", ""},
    {TofuSplit::kRetain, TofuTask::kRetain, "retain", "retain_perturbed.json"},
    {TofuSplit::kRealAuthors, TofuTask::kRealAuthors, "real_authors",
     "real_authors_perturbed.json"},
    {TofuSplit::kRealWorld, TofuTask::kRealWorld, "world_facts", "world_facts_perturbed.json"}};

const SplitNames& names_of_split(TofuSplit split) {
  for (const SplitNames& names : kSplits) {
    if (names.split == split) return names;
  }
  UNLEARN_CHECK(false);
}

void check_split_names(const std::vector<std::string>& wanted) {
  std::vector<std::string> known = {"all"};
  for (const SplitNames& names : kSplits) known.emplace_back(names.name);
  for (const std::string& name : wanted) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      user_error("eval.splits: unknown split '", name, "'", did_you_mean(name, known), "; use ",
                 join(known, ", "));
    }
  }
}

bool is_wanted(const std::vector<std::string>& wanted, const SplitNames& names) {
  return std::any_of(wanted.begin(), wanted.end(),
                     [&](const std::string& name) { return name == "all" || name == names.name; });
}

void load_holdout(const eval::EvaluationInputs& inputs, TofuData& data) {
  const bool given = !inputs.config.holdout.empty();
  const fs::path file = given ? fs::path(inputs.config.holdout)
                              : tofu_holdout_file(inputs.data.root, inputs.data.forget);
  if (file.empty() || (!given && !fs::exists(file))) {
    data.missing_holdout = file.empty() ? "eval.holdout" : file.string() + " or eval.holdout";
    return;
  }
  data.holdout = read_holdout_rows(file);
  if (inputs.config.rows > 0 && static_cast<int64_t>(data.holdout.size()) > inputs.config.rows) {
    data.holdout.resize(static_cast<size_t>(inputs.config.rows));
  }
}

}  // namespace

TofuTask tofu_task(TofuSplit split) { return names_of_split(split).task; }

const TofuTaskData* TofuData::forget() const {
  for (const TofuTaskData& task : tasks) {
    if (task.split == TofuSplit::kForget) return &task;
  }
  return nullptr;
}

TofuData load_tofu_data(const eval::EvaluationInputs& inputs, bool with_holdout) {
  const eval::EvalConfig& config = inputs.config;
  check_split_names(config.splits);
  const fs::path root = inputs.data.root;
  if (root.empty()) user_error("no data folder: give --data DIR or data.root in the config");
  TofuData data;
  data.tasks = load_tofu_tasks(root, inputs.data.forget, config.rows, config.question_key);
  for (const SplitNames& names : kSplits) {
    const bool found = std::any_of(data.tasks.begin(), data.tasks.end(),
                                   [&](const auto& task) { return task.split == names.split; });
    if (!found && is_wanted(config.splits, names)) {
      data.warnings.push_back(cat(names_of(names.task).display,
                                  " is left out: ", (root / names.file).string(), " is not there"));
    }
  }
  std::erase_if(data.tasks, [&](const auto& task) {
    return !is_wanted(config.splits, names_of_split(task.split));
  });
  if (with_holdout && data.forget() != nullptr) load_holdout(inputs, data);
  if (!config.retain_log.empty()) {
    data.retain_log =
        read_tofu_log(metrics::eval_log_file(config.retain_log, kFilePrefix, "eval.retain_log"));
  }
  return data;
}

}  // namespace unlearn::benchmarks::tofu
