// Results of an evaluation as they lie in a folder, and in the verdict of a run on own data.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "unlearn/core/json.h"
#include "unlearn/report/run_summary.h"

namespace unlearn::report {

// A question as it was asked: of a prompt, what stands between the marks of the last user's turn
// ("[INST]", "<|im_start|>user", "Question:", …).
std::string plain_question(const std::string& prompt);

// Of <folder>/*_SUMMARY.json and *_EVAL.json; nothing where there is none of the former.
std::optional<Evaluation> read_evaluation(const std::filesystem::path& folder);

// One side of verdict.json, under the names of an evaluation of own data.
enum class Side { kBefore, kAfter };
Evaluation evaluation_of_verdict(const Json& verdict, Side side);

}  // namespace unlearn::report
