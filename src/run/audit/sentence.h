// One plain sentence about an entry of audit.json.
#pragma once

#include <string>

#include "unlearn/core/json.h"

namespace unlearn::run {

std::string attack_sentence(const Json& entry);

}  // namespace unlearn::run
