#include "benchmarks/tofu/questions.h"

#include <algorithm>

#include "benchmarks/fields.h"
#include "unlearn/core/text_file.h"

namespace unlearn::benchmarks::tofu {
namespace fs = std::filesystem;
namespace {

std::vector<std::string> false_answers(const Json& row) {
  const auto it = row.find("perturbed_answer");
  if (it == row.end() || !it->is_array() || it->empty()) {
    user_error("field 'perturbed_answer' must be a list of false answers");
  }
  std::vector<std::string> answers;
  for (const Json& answer : *it) {
    if (!answer.is_string() || trim(answer.get_ref<const std::string&>()).empty()) {
      user_error("field 'perturbed_answer' must hold non-empty texts only");
    }
    answers.push_back(answer.get<std::string>());
  }
  return answers;
}

// "forget05" of that name, or of a file such as mine/forget05.json.
std::string split_name(const std::string& forget) {
  const fs::path path(forget);
  return is_json_name(path) ? path.stem().string() : forget;
}

[[noreturn]] void refuse_forget_split(const fs::path& file) {
  const std::string ending = "_perturbed.json";
  std::vector<std::string> splits;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(file.parent_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("forget") && name.ends_with(ending)) {
      splits.push_back(name.substr(0, name.size() - ending.size()));
    }
  }
  std::sort(splits.begin(), splits.end());
  user_error("data.forget: ", file.string(), " not found; ",
             splits.empty()
                 ? "--data needs TOFU's files for evaluation"
                 : cat("name a split that is there: --set data.forget=", join(splits, " or ")));
}

}  // namespace

std::vector<PerturbedRow> read_perturbed_rows(const fs::path& file, bool with_paraphrase,
                                              const std::string& question_key) {
  std::vector<PerturbedRow> rows;
  for_each_json_row(file, [&](int64_t row, const Json& value) {
    PerturbedRow item{row, checked_text(value, question_key.c_str()), checked_text(value, "answer"),
                      "", false_answers(value)};
    if (with_paraphrase) item.paraphrased_answer = checked_text(value, "paraphrased_answer");
    if (!rows.empty() && rows.front().perturbed_answers.size() != item.perturbed_answers.size()) {
      user_error("has ", item.perturbed_answers.size(), " false answers, the rows before ",
                 rows.front().perturbed_answers.size());
    }
    rows.push_back(std::move(item));
  });
  if (rows.empty()) user_error(file.string(), ": holds no row");
  return rows;
}

std::vector<TofuTaskData> load_tofu_tasks(const fs::path& root, const std::string& forget_split,
                                          int64_t max_rows, const std::string& question_key) {
  const std::pair<TofuSplit, std::string> files[] = {
      {TofuSplit::kRetain, "retain_perturbed.json"},
      {TofuSplit::kRealAuthors, "real_authors_perturbed.json"},
      {TofuSplit::kRealWorld, "world_facts_perturbed.json"},
      {TofuSplit::kForget, split_name(forget_split) + "_perturbed.json"}};
  std::vector<TofuTaskData> tasks;
  for (const auto& [split, name] : files) {
    const fs::path file = root / name;
    if (!fs::exists(file)) {
      if (split == TofuSplit::kForget) refuse_forget_split(file);
      continue;
    }
    const bool paraphrase = split == TofuSplit::kForget || split == TofuSplit::kRetain;
    TofuTaskData task{
        split, file, read_perturbed_rows(file, paraphrase, paraphrase ? question_key : "question")};
    if (max_rows > 0 && static_cast<int64_t>(task.rows.size()) > max_rows) {
      task.rows.resize(static_cast<size_t>(max_rows));
    }
    tasks.push_back(std::move(task));
  }
  return tasks;
}

fs::path tofu_holdout_file(const fs::path& root, const std::string& forget_split) {
  const std::string prefix = "forget", name = split_name(forget_split);
  if (!name.starts_with(prefix)) return {};
  return root / ("holdout" + name.substr(prefix.size()) + ".json");
}

std::vector<PerturbedRow> read_holdout_rows(const fs::path& file) {
  std::vector<PerturbedRow> rows;
  for_each_json_row(file, [&](int64_t row, const Json& value) {
    rows.push_back({row, checked_text(value, "question"), checked_text(value, "answer"), "", {}});
  });
  if (rows.empty()) user_error(file.string(), ": holds no row");
  return rows;
}

}  // namespace unlearn::benchmarks::tofu
