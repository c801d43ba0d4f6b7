#include "unlearn/report/page.h"

#include "unlearn/core/strings.h"
#include "unlearn/report/table.h"

namespace unlearn::report {
namespace {

constexpr size_t kAnswersShown = 10;
constexpr const char* kStyle =
    "body{font:15px/1.5 sans-serif;margin:2em auto;max-width:75em;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:1em 0;font-size:13px;display:block;overflow-x:auto}"
    "th,td{border:1px solid #ccc;padding:.3em .6em;text-align:left;vertical-align:top}"
    "th{background:#f2f2f2}svg{max-width:100%;height:auto}h2{margin-top:2em}";

// The first forget questions with every run's answer beside the truth.
std::string answers_html(const std::vector<RunSummary>& runs) {
  const RunSummary* first = nullptr;
  for (const RunSummary& run : runs) {
    if (!run.answers.empty() && first == nullptr) first = &run;
  }
  if (first == nullptr) return "";
  Table table;
  table.columns = {"question", "truth"};
  for (const RunSummary& run : runs) table.columns.push_back(run.name);
  for (size_t i = 0; i < std::min(kAnswersShown, first->answers.size()); ++i) {
    const Answer& asked = first->answers[i];
    auto& row = table.rows.emplace_back(std::vector{asked.question, asked.truth});
    for (const RunSummary& run : runs) {
      // Runs on other forget sets answered other questions.
      const bool same = i < run.answers.size() && run.answers[i].question == asked.question;
      row.push_back(same ? run.answers[i].generation : "");
    }
  }
  return "<h2>Answers on the forget set</h2>\n" + to_html(table);
}

std::string settings_html(const RunSummary& run) {
  Table table;
  table.columns = {"setting", "value"};
  for (const auto& [key, value] : run.settings) table.rows.push_back({key, value});
  return cat("<details><summary>", escape_html(run.name), " (", escape_html(run.folder.string()),
             ")</summary>\n", to_html(table), "</details>\n");
}

}  // namespace

std::string html_page(const std::vector<RunSummary>& runs) {
  std::string page = cat(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>unlearn report</title><style>",
      kStyle, "</style></head>\n<body>\n<h1>Unlearning runs compared</h1>\n",
      to_html(compare_runs(runs)));
  if (const std::string figure = pareto_svg(runs); !figure.empty()) {
    page += "<h2>Forgetting against utility</h2>\n" + figure;
  }
  page += answers_html(runs);
  std::string curves;
  for (const RunSummary& run : runs) curves += curves_svg(run);
  if (!curves.empty()) page += "<h2>Training</h2>\n" + curves;
  page += "<h2>Settings</h2>\n";
  for (const RunSummary& run : runs) page += settings_html(run);
  return page + "</body></html>\n";
}

}  // namespace unlearn::report
