// Multiple-choice questions in the layouts of WMDP and MMLU, posed as lm-evaluation-harness 0.4.8
// poses them without examples (tasks wmdp_bio, wmdp_cyber, wmdp_chem, mmlu).
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace unlearn::benchmarks::wmdp {

struct ChoiceQuestion {
  int64_t row = 0;
  std::string subject;  // "geography"; WMDP: the file's own
  std::string prompt;   // ends with "Answer:"
  int64_t answer = 0;   // 0 to 3
};
// What follows the prompt, in the order of the choices.
inline constexpr std::array<const char*, 4> kChoiceLetters = {" A", " B", " C", " D"};

// A task is <root>/<name>.jsonl; the subject of a row without one.
struct ChoiceTask {
  const char* name;     // "wmdp_bio"
  const char* subject;  // "biology"; null: every row has its own
};
inline constexpr ChoiceTask kChoiceTasks[] = {{"wmdp_bio", "biology"},
                                              {"wmdp_cyber", "cybersecurity"},
                                              {"wmdp_chem", "chemistry"},
                                              {"mmlu", nullptr}};

// Rows {question, choices: four texts, answer: 0 to 3[, subject]}; UserError "<file>: row <n>: …".
std::vector<ChoiceQuestion> read_choice_questions(const std::filesystem::path& file,
                                                  const ChoiceTask& task, int64_t max_rows);

}  // namespace unlearn::benchmarks::wmdp
