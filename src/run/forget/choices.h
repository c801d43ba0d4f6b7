// What `unlearn forget` chooses where the user says nothing.
#pragma once

#include <string>
#include <vector>

#include "unlearn/config/settings.h"
#include "unlearn/run/forget.h"

namespace unlearn::run {

// "qa" or "text", by the name and the first row of the forget file.
std::string kind_of_rows(const std::string& file);

// The first choices, below what the user says: output folder, benchmark, method, held-out share.
// UserError where model or forget file are missing.
config::Settings first_choices(const ForgetRequest& request);

// A text setting of the user's; "" where there is none.
std::string said(const config::Settings& settings, const std::string& key);

struct Pace {
  int64_t batch_size = 1;
  int64_t steps_per_round = 1;
  int64_t steps = 1;  // at most
};
// Without a retain file it goes slower, and may take longer.
Pace pace_for(int64_t rows, bool has_retain);

// One refusal a line, in our own words.
std::string refusals_text();

}  // namespace unlearn::run
