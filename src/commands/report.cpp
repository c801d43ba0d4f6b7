// unlearn report: runs side by side as a table, a plot and one HTML page.
#include <iostream>

#include "commands/commands.h"
#include "commands/shared_flags.h"
#include "unlearn/core/error.h"
#include "unlearn/core/manifest.h"
#include "unlearn/report/page.h"
#include "unlearn/report/table.h"

namespace unlearn::commands {

int run_report(std::vector<std::string> arguments) {
  SharedFlags flags;
  std::vector<std::string> folders;
  std::string output = "report";
  cli::Flags app("compare runs: a table, a plot and one HTML page", "report",
                 "unlearn report runs/simnpo runs/npo --output compared");
  app.add_option("runs", folders, "run folders").required();
  app.add_option("--output", output,
                 "folder for report.html, report.csv, report.md and pareto.svg (default: report)");
  add_log_flags(app, flags);
  if (!parse(app, std::move(arguments), flags)) return 0;

  OwnFolder target{output};
  target.check_free({"report.html", "report.csv", "report.md", "pareto.svg"});
  std::vector<report::RunSummary> runs;
  for (const std::string& folder : folders) runs.push_back(report::read_run_summary(folder));
  const report::Table table = report::compare_runs(runs);
  target.write("report.html", report::html_page(runs));
  target.write("report.csv", report::to_csv(table));
  target.write("report.md", report::to_markdown(table));
  const std::string figure = report::pareto_svg(runs);
  if (!figure.empty()) target.write("pareto.svg", figure);
  std::cout << report::to_markdown(table);
  std::cerr << "report: " << (target.path() / "report.html").string() << "\n";
  return 0;
}

}  // namespace unlearn::commands
