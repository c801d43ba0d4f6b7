// Verifying a run of `unlearn forget`.
#pragma once

#include "unlearn/run/verify.h"

namespace unlearn::run {

// Compares the hashes that verdict.json names, and with `measure` its figures. Prints a line for
// each. Whether something differs.
bool verdict_differs(const VerifyRequest& request);

}  // namespace unlearn::run
