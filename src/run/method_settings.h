// The layers of settings that a method brings: its defaults, what its spelling and the quirks
// imply.
#pragma once

#include <string>

#include "unlearn/config/settings.h"
#include "unlearn/losses/loss.h"

namespace unlearn::run {

// A setting that must be a name; UserError otherwise.
std::string text_setting(const config::Settings& settings, const std::string& key,
                         const std::string& fallback);

// Warm-up can be set in epochs or in steps, and steps win where one layer sets both; a later layer
// that sets epochs replaces an earlier one's steps.
void drop_earlier_warmup(config::Settings& settings);

// The user's settings with other code bases' parameter names turned into ours; of several names of
// one value the latest layer's counts. UserError when one layer gives two, or when `gamma` is given
// to a method that has no margin. Warns when `gamma` comes with a spelling of the method in whose
// code base it means another thing.
config::Settings with_own_names(const config::Settings& user, const losses::Method& method,
                                const std::string& spelling);

// Published defaults of the method for the benchmark, what the quirks in train.compat and the
// method's spelling imply, and then what the user sets.
config::Settings layered_settings(const config::Settings& user, const losses::Method& method,
                                  const std::string& spelling);

}  // namespace unlearn::run
