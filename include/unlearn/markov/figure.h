// The paper's Fig. 5, drawn from the records: forget quality against retain distance.
#pragma once

#include <string>
#include <vector>

#include "unlearn/core/json.h"

namespace unlearn::markov {

// One panel per experiment. A thin line per run and a thick one through the mean of each iteration,
// per method (colour) and chain (Forget1 solid, Forget2 dashed); triangles at the left axis mark
// the retrained model's forget quality. Retain distances up to 0.5 are shown. The text of an SVG
// file.
std::string draw_figure(const std::vector<Json>& records);

}  // namespace unlearn::markov
