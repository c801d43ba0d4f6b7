// What the rows of several tasks are made of.
#pragma once

#include <string>
#include <vector>

#include "unlearn/eval/tasks.h"

namespace unlearn::eval::tasks {

// One question with answers to it: each follows the context after a space.
TaskRow answers_row(const std::string& context, const std::vector<std::string>& answers,
                    size_t right);

// Four choices as lettered lines, of which the letter is scored (MMLU, WMDP). Fields: question,
// choices, answer and, where `subject` is null, subject.
TaskRow lettered_row(const Json& row, const char* subject);

}  // namespace unlearn::eval::tasks
