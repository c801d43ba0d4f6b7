// The parts of verdict_page.h.
#pragma once

#include <string>
#include <vector>

#include "report/html.h"
#include "unlearn/core/json.h"

namespace unlearn::report {

std::vector<Tile> verdict_tiles(const Json& verdict);
HtmlTable verdict_figures(const Json& verdict);  // the measures, before and after
HtmlTable verdict_rows(const Json& verdict);     // one table row per forget row
// How likely each row's true answer is, before and after; svg is "" where nothing was measured.
Figure verdict_chart(const Json& verdict);
// How else each row was asked: {name, found, table} each; `left_out` says what is not in it.
Json verdict_prompts(const Json& verdict, std::string& left_out);

}  // namespace unlearn::report
