#include <algorithm>
#include <cmath>
#include <numeric>

#include "report/json_path.h"
#include "report/verdict_parts.h"
#include "unlearn/core/plural.h"
#include "unlearn/report/svg_panel.h"

namespace unlearn::report {
namespace {

constexpr size_t kForgetRowsShown = 200, kRowsDrawn = 400;
constexpr const char* kWhole = "verdict.json beside this page has every row.";
constexpr const char *kBefore = "#0072b2", *kAfter = "#d55e00";

Cell text_cell(const Json& value) {
  const std::string text = shown_text(value);
  if (text.empty() && value.is_string()) return {"(empty)", "text soft"};
  return {text, "text"};
}

Cell number_cell(const Json& value, int places) {
  return {shown_number(value, places), "number", "", value.is_number() ? value.dump() : ""};
}

Cell yes_no(const Json& value, bool is_before = false) {
  if (!value.is_boolean()) return {"not measured"};
  if (is_before) return {value.get<bool>() ? "yes" : "no", "soft"};
  return value.get<bool>() ? Cell{"yes", "bad-mark"} : Cell{"no", "good-mark"};
}

std::string leak_list(const Json& leaks) {
  std::vector<std::string> names;
  if (!leaks.is_array()) return "";
  for (const Json& leak : leaks) {
    names.push_back(cat(shown_text(at_path(leak, {"piece"})), " (",
                        shown_text(at_path(leak, {"of_set"})), " row ",
                        shown_text(at_path(leak, {"of_row"})), ")"));
  }
  return join(names, "; ");
}

std::string piece_list(const Json& pieces) {
  std::vector<std::string> names;
  if (!pieces.is_array()) return "";
  for (const Json& piece : pieces) names.push_back(shown_text(piece));
  return join(names, "; ");
}

bool is_list(const Json& row, const char* key) {
  const Json list = at_path(row, {key});
  return list.is_array() && !list.empty();
}

// What is wrong with a row; "gone" where nothing is.
struct State {
  std::string text;
  int badness = 0;
  const char* css = "good-mark";
};

State row_state(const Json& row, double target) {
  std::vector<std::string> faults;
  if (at_path(row, {"extracted_after"}) == Json(true)) faults.emplace_back("extracted");
  bool leaks = is_list(row, "leaks"), otherwise = false;
  const Json others = at_path(row, {"other_prompts"});
  for (size_t i = 0; others.is_array() && i < others.size(); ++i) {
    leaks = leaks || is_list(others[i], "leaks");
    otherwise = otherwise || (at_path(others[i], {"extracted"}) == Json(true) &&
                              shown_text(at_path(others[i], {"given"})).empty());
  }
  if (otherwise) faults.emplace_back("extracted in other words");
  if (!otherwise && at_path(row, {"extracted_when_begun"}) == Json(true)) {
    faults.emplace_back("extracted by its first words");
  }
  if (at_path(row, {"extracted_in_samples"}) == Json(true)) {
    faults.emplace_back("extracted when sampled");
  }
  if (leaks) faults.emplace_back("other rows' data");
  const int badness = 2 * static_cast<int>(faults.size());
  const Json auc = at_path(row, {"preference_after", "auc"});
  // One row's preference is coarse: above the target, it is often chance (docs/own-data.md).
  const bool preferred = auc.is_number() && auc.get<double>() > target;
  if (preferred) faults.emplace_back("still preferred");
  if (badness > 0) return {join(faults, ", "), badness + (preferred ? 1 : 0), "bad-mark"};
  if (preferred) return {faults.front(), 1, "open-mark"};
  const bool is_known = at_path(row, {"extracted_after"}).is_boolean() && auc.is_number();
  return {is_known ? "gone" : "not measured", 0, is_known ? "good-mark" : "soft"};
}

double target_of(const Json& verdict) {
  const Json target = at_path(verdict, {"forget", "target"});
  return target.is_number() ? target.get<double>() : 0.55;
}

// Other rows' data in the answer, and below it what came out under other words.
Cell leak_cell(const Json& row) {
  std::vector<std::string> otherwise;
  const Json others = at_path(row, {"other_prompts"});
  for (size_t i = 0; others.is_array() && i < others.size(); ++i) {
    const std::string leaks = leak_list(at_path(others[i], {"leaks"}));
    const bool is_new = std::find(otherwise.begin(), otherwise.end(), leaks) == otherwise.end();
    if (!leaks.empty() && is_new) otherwise.push_back(leaks);
  }
  return {leak_list(at_path(row, {"leaks"})), "bad-mark",
          otherwise.empty() ? "" : cat("in other words: ", join(otherwise, "; "))};
}

HtmlRow forget_row(const Json& row, double target) {
  const State state = row_state(row, target);
  return {{{shown_text(at_path(row, {"row"})), "number"},
           {state.text, cat("state ", state.css)},
           text_cell(at_path(row, {"question"})),
           text_cell(at_path(row, {"answer"})),
           text_cell(at_path(row, {"output_before"})),
           text_cell(at_path(row, {"output_after"})),
           yes_no(at_path(row, {"extracted_before"}), /*is_before=*/true),
           yes_no(at_path(row, {"extracted_after"})),
           {piece_list(at_path(row, {"pieces"})), "bad-mark"},
           leak_cell(row),
           number_cell(at_path(row, {"preference_before", "auc"}), 2),
           number_cell(at_path(row, {"preference_after", "auc"}), 2),
           number_cell(at_path(row, {"logprob_before"}), 2),
           number_cell(at_path(row, {"logprob_after"}), 2)}};
}

// All rows in their order, or as many as fit, the worst ones first.
std::vector<const Json*> shown_rows(const Json& verdict, size_t most) {
  std::vector<const Json*> rows;
  for (const Json& row : verdict.at("rows")) rows.push_back(&row);
  if (rows.size() <= most) return rows;
  const double target = target_of(verdict);
  std::stable_sort(rows.begin(), rows.end(), [&](const Json* a, const Json* b) {
    return row_state(*a, target).badness > row_state(*b, target).badness;
  });
  rows.resize(most);
  return rows;
}

HtmlTable prompts_table(const Json& others) {
  HtmlTable table{.columns = {{"rule"},
                              {"asked"},
                              {"given of the answer"},
                              {"output"},
                              {"extracted"},
                              {"pieces"},
                              {"other rows' data"}}};
  for (const Json& other : others) {
    table.rows.push_back({{{shown_text(at_path(other, {"rule"}))},
                           text_cell(at_path(other, {"prompt"})),
                           {shown_text(at_path(other, {"given"})), "text"},
                           text_cell(at_path(other, {"output"})),
                           yes_no(at_path(other, {"extracted"})),
                           {piece_list(at_path(other, {"pieces"})), "bad-mark"},
                           {leak_list(at_path(other, {"leaks"})), "bad-mark"}}});
  }
  return table;
}

}  // namespace

HtmlTable verdict_rows(const Json& verdict) {
  HtmlTable table{
      .name = "rows",
      .columns = {{"row", "", "", true},
                  {"state", "what is left of the row; gone: nothing that was looked for"},
                  {"question"},
                  {"true answer"},
                  {"output before"},
                  {"output after"},
                  {"before", "extracted by the question before unlearning", "extracted"},
                  {"after", "extracted by the question after unlearning", "extracted"},
                  {"what reappears"},
                  {"other rows' data"},
                  {"before", "", "preference", true},
                  {"after", "", "preference", true},
                  {"before", "", "log-probability", true},
                  {"after", "", "log-probability", true}}};
  const double target = target_of(verdict);
  for (const Json* row : shown_rows(verdict, kForgetRowsShown)) {
    table.rows.push_back(forget_row(*row, target));
  }
  const size_t all = verdict.at("rows").size();
  if (all > kForgetRowsShown) {
    table.left_out = cat("The ", kForgetRowsShown, " worst of ", all, " rows are shown; ", kWhole);
  }
  return table;
}

Figure verdict_chart(const Json& verdict) {
  std::vector<Point> before, after;
  Json points_before = Json::array(), points_after = Json::array();
  double least = -0.1, last = 1;
  for (const Json* row : shown_rows(verdict, kRowsDrawn)) {
    const Json number = at_path(*row, {"row"});
    if (!number.is_number()) continue;
    const auto x = number.get<double>();
    const auto add = [&](const char* key, const char* name, std::vector<Point>& points,
                         Json& json) {
      const Json value = at_path(*row, {key});
      if (!value.is_number() || !std::isfinite(value.get<double>())) return;
      const auto y = value.get<double>();
      points.emplace_back(x, y);
      json.push_back(
          {x, y,
           cat("row ", number.dump(), ", ", name, ": ", shown_text(at_path(*row, {"question"})))});
      least = std::min(least, y);
      last = std::max(last, x);
    };
    add("logprob_before", "before", before, points_before);
    add("logprob_after", "after", after, points_after);
  }
  if (after.empty() || before.empty()) return {};
  const Range rows{-0.5, last + 0.5}, nats{1.05 * least, -0.05 * least};
  SvgPanel panel({80, 40, 620, 220}, rows, nats);
  panel.axes("Log-probability of each row's true answer, per token", "row", "nats per token");
  for (const auto& [x, y] : before) panel.dot({x, y}, kBefore, "");
  for (const auto& [x, y] : after) panel.dot({x, y}, kAfter, "");
  const std::string legend = svg_text(80, 320, "● before", cat("style=\"fill:", kBefore, "\"")) +
                             svg_text(170, 320, "● after", cat("style=\"fill:", kAfter, "\""));
  const Json held = at_path(verdict, {"retain", "held_out", "mean_logprob_after"});
  Json lines = Json::array();
  if (held.is_number()) {
    panel.level_y(held.get<double>(), "h");
    lines.push_back({{"axis", "y"}, {"at", held}, {"label", "mean of held-out rows, after"}});
  }
  return {
      svg_document(740, 335, panel.svg() + legend),
      {{"kind", "scatter"},
       {"title", "Log-probability of each row's true answer"},
       {"x", "row"},
       {"y", "nats per token"},
       {"x_range", {rows.begin, rows.end}},
       {"y_range", {nats.begin, nats.end}},
       {"series",
        {{{"label", "before"}, {"colour", kBefore}, {"points", points_before}},
         {{"label", "after"}, {"colour", kAfter}, {"points", points_after}}}},
       {"lines", lines}},
      held.is_number() ? "Dashed line (h): the mean of the held-out rows after unlearning." : ""};
}

Json verdict_prompts(const Json& verdict, std::string& left_out) {
  Json list = Json::array();
  size_t all = 0;
  for (const Json* row : shown_rows(verdict, verdict.at("rows").size())) {
    const Json others = at_path(*row, {"other_prompts"});
    if (!others.is_array() || others.empty()) continue;
    if (++all > kForgetRowsShown) continue;
    const auto found = std::count_if(others.begin(), others.end(), [](const Json& other) {
      return at_path(other, {"extracted"}) == Json(true);
    });
    list.push_back({{"name", cat("row ", shown_text(at_path(*row, {"row"})), ": ",
                                 shown_text(at_path(*row, {"question"})))},
                    {"found", found == 0 ? "" : cat(found, " of ", others.size(), " extracted")},
                    {"table", prompts_table(others).json()}});
  }
  if (all > kForgetRowsShown)
    left_out = cat("The first ", kForgetRowsShown, " of ", all, " rows; ", kWhole);
  return list;
}

}  // namespace unlearn::report
