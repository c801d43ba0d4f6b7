// TOFU's evaluation data (locuslab/tofu, config/eval_everything.yaml; open-unlearning,
// configs/eval/tofu_metrics): which files, which rows, which answers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "unlearn/core/json.h"

namespace unlearn::benchmarks::tofu {

// A question with its true answer, a paraphrase (empty where the file has none) and false answers.
struct PerturbedRow {
  int64_t row = 0;
  std::string question;
  std::string answer;
  std::string paraphrased_answer;
  std::vector<std::string> perturbed_answers;
};

// A scored text of both repositories is at most this long, and so is a generation with its prompt
// (locuslab/tofu, config/eval_everything.yaml; open-unlearning, configs/data).
inline constexpr int64_t kPlainLength = 200;
inline constexpr int64_t kChatLength = 512;

// The four tasks in the order of TOFU's logs.
enum class TofuSplit : uint8_t { kRetain, kRealAuthors, kRealWorld, kForget };

struct TofuTaskData {
  TofuSplit split = TofuSplit::kForget;
  std::filesystem::path file;
  std::vector<PerturbedRow> rows;
};

// Checked rows of a *_perturbed file; UserError "<file>: row <n>: …". Every row of a file has the
// same number of false answers, as the truth ratio needs. `question_key` may be
// "paraphrased_question".
std::vector<PerturbedRow> read_perturbed_rows(const std::filesystem::path& file,
                                              bool with_paraphrase,
                                              const std::string& question_key = "question");

// The tasks of a forget split ("forget05", or a file of that name): <forget>_perturbed,
// retain_perturbed, real_authors_perturbed and world_facts_perturbed in `root`. Tasks whose file is
// missing are left out, except the forget task (UserError). At most `max_rows` of each (TOFU's
// ds_size; 0: all). `question_key` is for the forget and retain tasks.
std::vector<TofuTaskData> load_tofu_tasks(const std::filesystem::path& root,
                                          const std::string& forget_split, int64_t max_rows,
                                          const std::string& question_key = "question");

// Where question and answer pairs that no model was trained on belong: holdout05.json for forget05;
// empty for another split name.
std::filesystem::path tofu_holdout_file(const std::filesystem::path& root,
                                        const std::string& forget_split);
// Question and answer of every row, without false answers.
std::vector<PerturbedRow> read_holdout_rows(const std::filesystem::path& file);

}  // namespace unlearn::benchmarks::tofu
