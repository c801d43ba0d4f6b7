// The tables of a comparison's page.
#include <algorithm>
#include <cmath>

#include "report/comparison_parts.h"
#include "report/json_path.h"
#include "report/measures.h"
#include "unlearn/core/plural.h"
#include "unlearn/report/table.h"

namespace unlearn::report {
namespace {

constexpr size_t kGroupsShown = 400, kRowsShown = 200, kModelsShown = 6;

std::string exact(double value) { return number(value, 9); }

// Measures that any of the runs has, in the order of the groups of columns.
std::vector<Measure> known_measures(const std::vector<Group>& groups) {
  std::vector<Measure> known;
  for (const std::string& name : measure_groups()) {
    for (const Measure& measure : measures()) {
      const bool is_known = measure.group == name &&
                            std::any_of(groups.begin(), groups.end(), [&](const Group& group) {
                              return group.mean(measure.name).has_value();
                            });
      if (is_known) known.push_back(measure);
    }
  }
  return known;
}

// The best value of a measure among whole models; none where fewer than two have it.
std::optional<double> best_value(const std::vector<Group>& groups, const Measure& measure,
                                 std::optional<double> retain) {
  std::optional<double> best;
  int64_t count = 0;
  for (const Group& group : groups) {
    const auto value = group.mean(measure.name);
    if (!value || group.is_ruined() || group.first().method == kPlainTraining) continue;
    ++count;
    if (!best || distance(measure, *value, retain) < distance(measure, *best, retain)) best = value;
  }
  return count < 2 ? std::nullopt : best;
}

Cell before_cell(const Group& group, const Measure& measure) {
  const auto value = group.mean_before(measure.name);
  if (!value) return {"–", "number soft edge", "", "", "not recorded before training"};
  return {figure(*value), "number soft edge", "", exact(*value), group.first().before_source};
}

Cell after_cell(const Group& group, const Measure& measure, std::optional<double> retain,
                std::optional<double> best) {
  const auto found = group.after.find(measure.name);
  if (found == group.after.end()) return {"–", "number", "", "", "not measured"};
  const Spread& spread = found->second;
  Cell cell{figure(spread.mean), "number", "", exact(spread.mean)};
  if (spread.sd) {
    cell.small = cat("± ", number(*spread.sd, 2));
    cell.title = cat("mean ± standard deviation over ", counted(spread.count, "seed"));
  }
  if (const auto before = group.mean_before(measure.name)) {
    const double change = spread.mean - *before;
    const double gain = distance(measure, *before, retain) - distance(measure, spread.mean, retain);
    const bool is_same = std::abs(change) <= 0.002 * std::abs(*before);
    cell.mark = is_same ? "≈" : change > 0 ? "▲" : "▼";
    cell.mark_css = is_same ? "soft" : gain > 0 ? "better" : "worse";
  }
  if (best && spread.mean == *best) {
    cell.css += " best";
    if (cell.mark.empty()) cell.mark_css = "open-mark";
    cell.mark += cell.mark.empty() ? "★" : " ★";
    cell.title += cat(cell.title.empty() ? "" : "; ", "best of these runs");
  }
  return cell;
}

std::string status_text(const Group& group) {
  std::vector<std::string> states;
  for (const RunSummary* run : group.runs) {
    if (std::find(states.begin(), states.end(), run->status) == states.end()) {
      states.push_back(run->status);
    }
  }
  return join(states, ", ");
}

std::string setting_text(const Group& group, const std::string& key) {
  std::vector<std::string> values;
  for (const RunSummary* run : group.runs) {
    const auto found = run->settings.find(key);
    if (found != run->settings.end()) values.push_back(found->second);
  }
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values.size() > 4 ? cat(values.size(), " values") : join(values, ", ");
}

// What names the row: the group, and what is to be known of it before its figures are read.
Cell name_cell(const Group& group) {
  Cell cell{group.name, "name", group.first().method, group.name};
  if (group.runs.size() > 1) cell.small += cat(" · ", counted(group.runs.size(), "seed"));
  if (group.is_ruined()) {
    cell.mark = "broken";
    cell.mark_css = "bad-mark";
    cell.title = "its answers are empty, repeat themselves or are all the same";
  }
  return cell;
}

// Whole answers to forget questions, beside what those figures are worth.
Cell whole_cell(std::optional<double> broken, bool is_ruined) {
  if (!broken) return {"–", "number edge soft", "", "", "no answers were stored"};
  return {cat(number(100 * (1 - *broken), 3), " %"),
          is_ruined ? "number edge bad-mark" : "number edge", "", exact(1 - *broken)};
}

// A model that the others are compared with.
HtmlRow reference_row(const std::string& name, const RunSummary& model,
                      const std::vector<std::string>& settings, const std::vector<Measure>& known) {
  HtmlRow row{{{name, "name", model.name}}, "ref"};
  for (size_t i = 0; i < settings.size(); ++i) row.cells.push_back({""});
  row.cells.push_back(whole_cell(model.metric("forget_broken"), model.after.is_ruined()));
  for (const Measure& measure : known) {
    const auto value = model.metric(measure.name);
    row.cells.push_back({"", "number edge"});
    row.cells.push_back({value ? figure(*value) : "–", "number", "", value ? exact(*value) : ""});
  }
  row.cells.push_back({model.status, "edge"});
  row.cells.push_back({model.seconds > 0 ? figure(model.seconds) : "", "number"});
  return row;
}

HtmlRow group_row(const Group& group, const std::vector<std::string>& settings,
                  const std::vector<Measure>& known, const std::optional<RunSummary>& retain,
                  const std::vector<std::optional<double>>& best) {
  HtmlRow row{{name_cell(group)}, group.is_ruined() ? "ruined" : ""};
  for (const std::string& key : settings) row.cells.push_back({setting_text(group, key)});
  row.cells.push_back(whole_cell(group.mean("forget_broken"), group.is_ruined()));
  for (size_t i = 0; i < known.size(); ++i) {
    const auto control = retain ? retain->metric(known[i].name) : std::nullopt;
    row.cells.push_back(before_cell(group, known[i]));
    row.cells.push_back(after_cell(group, known[i], control, best[i]));
  }
  row.cells.push_back({status_text(group), "edge"});
  double seconds = 0;
  for (const RunSummary* run : group.runs) seconds += run->seconds;
  row.cells.push_back({figure(seconds / static_cast<double>(group.runs.size())), "number"});
  return row;
}

HtmlTable table_of(const std::vector<std::string>& settings, const std::vector<Measure>& known) {
  HtmlTable table{.name = "runs", .columns = {{"run"}}};
  for (const std::string& key : settings) table.columns.push_back({key, "", "Settings"});
  table.columns.push_back({"whole answers ↑",
                           "share of the answers to forget questions that are neither empty nor "
                           "repeat themselves",
                           "Answers", true});
  for (const Measure& measure : known) {
    table.columns.push_back(
        {"before", cat(measure.label, " before unlearning"), measure.group, true});
    table.columns.push_back(
        {cat(measure.label, " ", direction_text(measure)), measure.help, measure.group, true});
  }
  table.columns.push_back({"status"});
  table.columns.push_back({"seconds", "of training, mean over seeds", "", true});
  return table;
}

std::vector<std::string> shown_settings(const std::vector<Group>& groups) {
  std::vector<RunSummary> runs;
  for (const Group& group : groups) {
    RunSummary bare;  // settings alone
    bare.method = group.first().method;
    bare.settings = group.first().settings;
    runs.push_back(std::move(bare));
  }
  return differing_settings(runs);
}

Cell answer_cell(const Answer& answer) {
  std::vector<std::string> figures;
  if (answer.probability) figures.push_back(cat("p ", number(*answer.probability, 2)));
  if (answer.rouge) figures.push_back(cat("R ", number(*answer.rouge, 2)));
  const bool is_empty = answer.generation.empty();
  return {is_empty ? "(empty)" : answer.generation, is_empty ? "text soft" : "text",
          join(figures, " · ")};
}

// The answer to the same question; runs on other forget sets answered other ones.
Cell answer_in(const Evaluation& evaluation, const Answer& asked) {
  for (const Answer& answer : evaluation.answers) {
    if (answer.row == asked.row && answer.question == asked.question) return answer_cell(answer);
  }
  return {"–", "soft", "", "", "not asked"};
}

}  // namespace

std::string figure(double value) { return number(value, 3); }

HtmlTable runs_table(const Comparison& comparison, const std::vector<Group>& groups) {
  const std::vector<std::string> settings = shown_settings(groups);
  const std::vector<Measure> known = known_measures(groups);
  HtmlTable table = table_of(settings, known);
  std::vector<std::optional<double>> best;
  for (const Measure& measure : known) {
    best.push_back(
        best_value(groups, measure,
                   comparison.retain ? comparison.retain->metric(measure.name) : std::nullopt));
  }
  if (comparison.original) {
    table.rows.push_back(reference_row("before unlearning", *comparison.original, settings, known));
  }
  if (comparison.retain) {
    table.rows.push_back(reference_row("never saw the rows", *comparison.retain, settings, known));
  }
  for (const Group& group : groups) {
    if (&group - groups.data() == static_cast<ptrdiff_t>(kGroupsShown)) break;
    table.rows.push_back(group_row(group, settings, known, comparison.retain, best));
  }
  if (groups.size() > kGroupsShown) {
    table.left_out = cat("The first ", kGroupsShown, " of ", groups.size(),
                         " are shown; report.csv beside this page has every run.");
  }
  return table;
}

HtmlTable seeds_table(const std::vector<Group>& groups) {
  std::vector<Group> alone;
  for (const Group& group : groups) {
    if (group.runs.size() < 2) continue;
    for (const RunSummary* run : group.runs) alone.push_back(make_group({run}));
  }
  if (alone.empty()) return {};
  const std::vector<Measure> known = known_measures(alone);
  HtmlTable table = table_of({}, known);
  table.name = "seeds";
  const std::vector<std::optional<double>> none(known.size());
  for (const Group& run : alone) {
    if (table.rows.size() == kGroupsShown) {
      table.left_out = cat("The first ", kGroupsShown, " of ", alone.size(),
                           " are shown; report.csv beside this page has every run.");
      break;
    }
    table.rows.push_back(group_row(run, {}, known, {}, none));
  }
  return table;
}

HtmlTable answers_table(const Comparison& comparison, const std::vector<Group>& groups) {
  const RunSummary* first = nullptr;
  std::vector<const RunSummary*> models;
  for (const Group& group : groups) {
    if (group.first().after.answers.empty()) continue;
    if (first == nullptr) first = &group.first();
    models.push_back(&group.first());
  }
  if (first == nullptr) return {};
  HtmlTable table{.name = "answers", .columns = {{"question"}, {"truth"}}};
  const Evaluation* before =
      first->before && !first->before->answers.empty() ? &*first->before : nullptr;
  table.columns.push_back(
      {before == nullptr ? "before (not recorded)" : "before", first->before_source});
  const bool has_retain = comparison.retain && !comparison.retain->after.answers.empty();
  if (has_retain) table.columns.push_back({"never saw the rows", comparison.retain->name});
  const size_t shown = std::min(models.size(), kModelsShown);
  for (size_t i = 0; i < shown; ++i) table.columns.push_back({models[i]->name});
  for (const Answer& asked : first->after.answers) {
    if (table.rows.size() == kRowsShown) break;
    HtmlRow row{{{asked.question, "name question", cat("row ", asked.row)}, {asked.truth, "text"}}};
    row.cells.push_back(before == nullptr ? Cell{"–", "soft"} : answer_in(*before, asked));
    if (has_retain) row.cells.push_back(answer_in(comparison.retain->after, asked));
    for (size_t i = 0; i < shown; ++i) row.cells.push_back(answer_in(models[i]->after, asked));
    table.rows.push_back(std::move(row));
  }
  std::vector<std::string> left_out;
  if (first->after.answers.size() > kRowsShown) {
    left_out.push_back(cat("The first ", kRowsShown, " of ", first->after.answers.size(),
                           " rows are shown; all are in each run's eval/*_EVAL.json."));
  }
  if (models.size() > shown) {
    left_out.push_back(cat("Of ", models.size(), " runs the first ", shown,
                           " are shown (of seeds, "
                           "one); `unlearn report` with fewer runs shows others."));
  }
  table.left_out = join(left_out, " ");
  return table;
}

HtmlTable origin_table(const Comparison& comparison) {
  HtmlTable table{.name = "runs",
                  .columns = {{"run"},
                              {"program"},
                              {"date"},
                              {"machine"},
                              {"device"},
                              {"seed"},
                              {"command"},
                              {"before"}}};
  const auto add = [&](const RunSummary& run) {
    const auto text = [&](const char* key) { return shown_text(at_path(run.record, {key})); };
    const std::string version = text("version");
    table.rows.push_back(
        {{{run.name, "name", run.folder.string()},
          {version.empty() ? "–" : cat("unlearn ", version)},
          {text("date").empty() ? "not recorded" : text("date"), "nowrap"},
          {text("machine").empty() ? counted(at_path(run.record, {"threads"}).is_number()
                                                 ? run.record["threads"].get<int64_t>()
                                                 : 1,
                                             "thread")
                                   : text("machine")},
          {text("device")},
          {text("seed")},
          {text("command"), "text"},
          {run.before ? run.before_source : "not recorded", "text"}}});
  };
  for (const RunSummary& run : comparison.runs) {
    if (table.rows.size() == kGroupsShown) {
      table.left_out = cat("The first ", kGroupsShown, " of ", comparison.runs.size(),
                           " runs; each has its run.json.");
      break;
    }
    add(run);
  }
  for (const auto& model : {comparison.original, comparison.retain}) {
    if (model && !model->record.empty()) add(*model);
  }
  if (!comparison.program.empty()) {
    table.rows.push_back({{{"this page"},
                           {comparison.program},
                           {comparison.date},
                           {comparison.machine},
                           {""},
                           {""},
                           {""},
                           {""}}});
  }
  return table;
}

}  // namespace unlearn::report
