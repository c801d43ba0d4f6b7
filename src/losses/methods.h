// The functions that the lines of losses.def name; each src/losses/<name>.cpp defines its own.
#pragma once

#include "unlearn/losses/loss.h"

namespace unlearn::losses {

#define LOSS(name) Method method_##name();
#include "losses/losses.def"
#undef LOSS

// One spelling of a method's or quirk's name for comparison: lower case, "-", "+" and "=" as "_".
std::string canonical_name(const std::string& name);

// `base` followed by `more`; later entries win where a key stands twice.
Defaults operator+(Defaults base, const Defaults& more);

// Optimiser settings that the references share among their methods on one benchmark.
// TOFU (github.com/OPTML-Group/Unlearn-Simple, TOFU/config/forget.yaml).
Defaults tofu_training();
// MUSE (github.com/swj0419/muse_bench, baselines/scripts): four chunks of 2048 a step, constant.
Defaults muse_training();
// MUSE's splits of the corpus of books.
inline constexpr const char* kBooks = "(?i).*books.*";
// WMDP: Unlearn-Simple's WMDP code (WMDP/configs/unlearn/wmdp: 500 steps) with the paper's number
// of steps; a tenth of them is warm-up.
Defaults wmdp_training(const std::string& lr, const std::string& steps = "125");

}  // namespace unlearn::losses
