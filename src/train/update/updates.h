// The functions that the lines of updates.def name.
#pragma once

#include "unlearn/train/update_rule.h"

namespace unlearn::train {

#define UPDATE(name) Registered<UpdateRule> update_##name();
#include "train/update/updates.def"
#undef UPDATE

}  // namespace unlearn::train
