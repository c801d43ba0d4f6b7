// Whether a folder's own chat template (Jinja text) can be one of ours, by the marks of its turns.
#pragma once

#include <string>
#include <vector>

#include "unlearn/data/template.h"

namespace unlearn::data {

// The marks of a template's turns, each once: "<|im_start|>", "<start_of_turn>", "[INST]". Empty
// for plain prompts.
std::vector<std::string> chat_marks(const Template& tmpl);

// Whether all marks of `tmpl` stand in the Jinja text; false for a template without marks. Says
// nothing about what stands between the marks, such as a default system message.
bool has_marks_of(const std::string& jinja, const Template& tmpl);

// Our templates of which has_marks_of() holds.
std::vector<std::string> templates_like(const std::string& jinja);

}  // namespace unlearn::data
