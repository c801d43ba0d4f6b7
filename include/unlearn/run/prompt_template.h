// Which prompts a model was trained with.
#pragma once

#include <filesystem>

#include "unlearn/run/run_config.h"

namespace unlearn::run {

// What to do where the model folder's own chat template is not the one that `auto` means.
enum class ForeignChat { kRefuse, kWarn, kIgnore };

// The template of a model, logged with where it is from: what the config names; for `auto`, that of
// the run of this program which wrote the folder; for people's own questions (data.benchmark: qa)
// the folder's own chat template, if it has one; else the family's. A folder whose chat template
// (chat_template.jinja, tokenizer_config.json) has other marks than the family's is refused with
// the choice of names (UserError), or warned of; kIgnore: no prompt is built.
data::Template resolve_template(const RunConfig& config, const std::filesystem::path& model_folder,
                                ForeignChat foreign);

// Whose rules read the tokenizer's files: `name`, or for "auto" those of the run of this program
// which wrote the folder, else transformers 5's.
tokenizer::Rules resolve_rules(const std::string& name, const std::filesystem::path& model_folder);

// Writes what `auto` meant into the config (of the rules too), so that the run's record says it.
void record_template(RunConfig& config, const data::Template& resolved);

}  // namespace unlearn::run
