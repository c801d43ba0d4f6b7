// The row functions that the lines of rows.def name.
#pragma once

#include <vector>

#include "unlearn/scoring/row_request.h"

namespace unlearn::losses {

#define ROW(name) const scoring::RowFunction& row_##name();
#include "losses/rows.def"
#undef ROW

// All of them, and scoring's own.
const std::vector<const scoring::RowFunction*>& row_functions();

}  // namespace unlearn::losses
