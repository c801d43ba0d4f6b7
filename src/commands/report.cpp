// unlearn report: runs side by side as a table, a plot and one HTML page.
#include <iostream>

#include "commands/commands.h"
#include "commands/shared_flags.h"
#include "unlearn/core/error.h"
#include "unlearn/core/manifest.h"
#include "unlearn/report/page.h"
#include "unlearn/report/table.h"
#include "unlearn/run/version.h"

namespace unlearn::commands {
namespace {

std::optional<report::RunSummary> reference(const std::string& flag, const std::string& folder) {
  if (folder.empty()) return std::nullopt;
  report::RunSummary model = report::read_run_summary(folder);
  if (model.after.metrics.empty()) {
    user_error(flag, " ", folder, ": was not evaluated; `unlearn eval` evaluates it");
  }
  return model;
}

// What all runs that name one were evaluated against.
std::string common_retain(const std::vector<report::RunSummary>& runs) {
  std::string common;
  for (const report::RunSummary& run : runs) {
    const std::string folder = report::retain_reference(run).string();
    if (folder.empty()) continue;
    if (!common.empty() && folder != common) return "";
    common = folder;
  }
  return common;
}

}  // namespace

int run_report(std::vector<std::string> arguments) {
  SharedFlags flags;
  std::vector<std::string> folders;
  std::string output = "report", original, retain;
  cli::Flags app("compare runs: a table, a plot and one HTML page", "report",
                 "unlearn report runs/simnpo runs/npo --output compared");
  app.add_option("runs", folders, "run folders").required();
  app.add_option("--original", original,
                 "evaluation (or run) of the model before unlearning, for runs that did not "
                 "measure it themselves");
  app.add_option("--retain-model", retain,
                 "evaluation (or run) of the model that never saw the forget rows (default: the "
                 "runs' eval.retain_log)");
  app.add_option("--output", output,
                 "folder for report.html, report.csv, report.md and pareto.svg (default: report)");
  add_log_flags(app, flags);
  if (!parse(app, std::move(arguments), flags)) return 0;

  OwnFolder target{output};
  target.check_free({"report.html", "report.csv", "report.md", "pareto.svg"});
  report::Comparison comparison{.original = reference("--original", original),
                                .program = cat("unlearn ", run::version_text()),
                                .date = run::time_text(),
                                .machine = run::machine_text()};
  for (const std::string& folder : folders) {
    comparison.runs.push_back(report::read_run_summary(folder));
  }
  comparison.retain =
      reference("--retain-model", retain.empty() ? common_retain(comparison.runs) : retain);
  const report::Table table = report::compare_runs(comparison.runs);
  target.write("report.html", report::html_page(comparison));
  target.write("report.csv", report::to_csv(table));
  target.write("report.md", report::to_markdown(table));
  const std::string figure = report::pareto_svg(comparison);
  if (!figure.empty()) target.write("pareto.svg", figure);
  std::cout << report::to_markdown(table);
  std::cerr << "report: " << (target.path() / "report.html").string() << "\n";
  return 0;
}

}  // namespace unlearn::commands
