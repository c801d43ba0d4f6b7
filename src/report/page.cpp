#include "unlearn/report/page.h"

#include <algorithm>

#include "report/comparison_parts.h"
#include "report/figures.h"
#include "report/html.h"
#include "report/json_path.h"

namespace unlearn::report {
namespace fs = std::filesystem;
namespace {

constexpr size_t kSettingsShown = 40;  // runs whose settings are in the page

bool is_same_folder(const fs::path& a, const fs::path& b) {
  std::error_code missing;
  return fs::weakly_canonical(a, missing) == fs::weakly_canonical(b, missing);
}

// Where all runs that measured it started from one model, that is the model before.
void find_original(Comparison& comparison) {
  if (comparison.original) return;
  const RunSummary* first = nullptr;
  for (const RunSummary& run : comparison.runs) {
    if (!run.before) continue;
    if (first == nullptr) first = &run;
    const auto model = [](const RunSummary& of) { return at_path(of.record, {"model_folder"}); };
    if (model(run) != model(*first)) return;
  }
  if (first == nullptr) return;
  RunSummary original;
  original.name = shown_text(at_path(first->record, {"model_folder"}));
  original.status = "measured";
  original.after = *first->before;
  comparison.original = std::move(original);
}

// A reference is no run to be compared, and what the runs lack it gives them.
void place_references(Comparison& comparison) {
  for (const auto& model : {comparison.original, comparison.retain}) {
    if (!model) continue;
    std::erase_if(comparison.runs,
                  [&](const RunSummary& run) { return is_same_folder(run.folder, model->folder); });
  }
  if (!comparison.original) return;
  for (RunSummary& run : comparison.runs) {
    if (run.before || run.method.empty() || run.method == kPlainTraining) continue;
    run.before = comparison.original->after;
    run.before_source = "evaluation of " + comparison.original->folder.string();
  }
}

Json settings_of(const RunSummary& run) {
  std::vector<std::pair<std::string, std::string>> settings, hashes;
  for (const auto& [key, value] : run.settings) settings.emplace_back(key, value);
  const Json inputs = at_path(run.record, {"inputs_sha256"});
  if (inputs.is_object()) {
    for (const auto& [file, hash] : inputs.items()) hashes.emplace_back(file, shown_text(hash));
  }
  return {{"name", run.name},
          {"folder", run.folder.string()},
          {"settings", key_table("setting", settings).json()},
          {"hashes", key_table("SHA-256 of", hashes).json()}};
}

bool has_before(const Comparison& comparison) {
  return std::any_of(comparison.runs.begin(), comparison.runs.end(),
                     [](const RunSummary& run) { return run.before.has_value(); });
}

std::string legend(const Comparison& comparison, const std::vector<Group>& groups) {
  std::string text =
      "↑ more is better, ↓ less is better, → nearest to that (to the retain model's value, where "
      "it "
      "is known). ▲ and ▼: changed by unlearning, in green for the better, in red for the worse. "
      "★: "
      "best of these runs whose answers are whole.";
  if (groups.size() < comparison.runs.size()) {
    text += " Runs that differ in their seed alone are one row: mean ± standard deviation.";
  }
  if (!has_before(comparison)) {
    text +=
        " Nothing was measured before training: eval.at_start=true makes a run do it, and "
        "unlearn report --original DIR takes an evaluation of the model from before.";
  }
  return text;
}

}  // namespace

std::string html_page(Comparison comparison) {
  place_references(comparison);
  find_original(comparison);
  const std::vector<Group> groups = group_seeds(comparison.runs);
  const Finding finding = compare_groups(comparison, groups);
  PageParts page{.name = "comparison.html",
                 .title = "unlearn report",
                 .state = finding.state,
                 .sentence = finding.sentence};
  Json& values = page.values;
  values["warnings"] = finding.warnings;
  values["tiles_list"] = Json::array();
  for (const Tile& tile : finding.tiles) values["tiles_list"].push_back(tile.json());
  values["shown"] = finding.shown;
  values["legend"] = legend(comparison, groups);
  values["main"] = runs_table(comparison, groups).json();
  const auto add = [&](const char* name, const HtmlTable& table) {
    values[name] = table.rows.empty() ? Json() : table.json();
  };
  add("answers", answers_table(comparison, groups));
  add("seeds", seeds_table(groups));
  values["origin"] = origin_table(comparison).json();
  values["settings"] = Json::array();
  for (const RunSummary& run : comparison.runs) {
    if (values["settings"].size() == kSettingsShown) break;
    if (!run.settings.empty()) values["settings"].push_back(settings_of(run));
  }
  if (comparison.runs.size() > kSettingsShown) {
    values["settings_left_out"] =
        "Settings and hashes of further runs: config.resolved.yaml and run.json in their folders.";
  }
  page.figures["pareto"] = pareto_figures(comparison, groups);
  std::string left_out;
  page.figures["curves"] = curve_figures(comparison.runs, left_out);
  values["curves_left_out"] = left_out;
  return page_html(page);
}

}  // namespace unlearn::report
