// The folder of a study: one record a run, <experiment>/seed-N.json.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "unlearn/config/settings.h"
#include "unlearn/core/json.h"
#include "unlearn/markov/study.h"

namespace unlearn::markov {

// What --experiment, else the setting `experiment`, names: one of them or both (the default).
std::vector<std::string> chosen_experiments(const std::string& flag,
                                            const config::Settings& settings);

// True when `file` is this run already; UserError when it is another one. Always false with
// `overwrite`.
bool is_recorded(const std::filesystem::path& file, const Study& study, bool overwrite);

// All records of the folder, in the order of experiment and file name.
std::vector<Json> read_records(const std::filesystem::path& folder);

}  // namespace unlearn::markov
