// The parts of a comparison's page.
#pragma once

#include <string>
#include <vector>

#include "report/groups.h"
#include "report/html.h"
#include "unlearn/report/page.h"

namespace unlearn::report {

// A value as it is shown: three significant digits.
std::string figure(double value);

// What the runs show, first of all.
struct Finding {
  std::string state;  // good | bad | open
  std::string sentence;
  std::vector<std::string> warnings = {};
  std::vector<Tile> tiles = {};
  std::string shown = "";  // the group that the tiles are of
};
Finding compare_groups(const Comparison& comparison, const std::vector<Group>& groups);

// One row a group (or run), after the models they are compared with.
HtmlTable runs_table(const Comparison& comparison, const std::vector<Group>& groups);
// No rows where every group is one run.
HtmlTable seeds_table(const std::vector<Group>& groups);
// No rows where no run has answers.
HtmlTable answers_table(const Comparison& comparison, const std::vector<Group>& groups);
HtmlTable origin_table(const Comparison& comparison);

}  // namespace unlearn::report
