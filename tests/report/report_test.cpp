#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "report/groups.h"
#include "report/html.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/report/page.h"
#include "unlearn/report/table.h"

namespace unlearn::report {
namespace {

namespace fs = std::filesystem;

class Report : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / cat("unlearn_report_", ::getpid());
    fs::remove_all(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  // A run folder as training and evaluation leave it.
  fs::path make_run(const std::string& name, const std::string& beta, const std::string& summary) {
    const fs::path folder = root_ / name;
    fs::create_directories(folder / "eval");
    write_file_atomic(folder / "run.json",
                      R"({"method": "simnpo", "status": "done", "seconds": 12.5})");
    write_file_atomic(folder / "config.resolved.yaml",
                      cat("method:\n  name: simnpo\n  beta: ", beta, "\noutput: ", name, "\n"));
    write_file_atomic(folder / "metrics.jsonl",
                      "{\"step\":1,\"forget_loss\":0.5,\"retain_loss\":0.25}\n"
                      "{\"step\":2,\"forget_loss\":0.4,\"retain_loss\":0.2}\n");
    if (!summary.empty()) write_file_atomic(folder / "eval/TOFU_SUMMARY.json", summary);
    return folder;
  }
  fs::path root_;
};

TEST_F(Report, ReadsARunFolder) {
  const auto run =
      read_run_summary(make_run("a", "2.5", R"({"model_utility": 0.5, "forget_quality": null})"));
  EXPECT_EQ(run.name, "a");
  EXPECT_EQ(run.method, "simnpo");
  EXPECT_EQ(run.settings.at("method.beta"), "2.5");
  ASSERT_EQ(run.curve.size(), 2u);
  EXPECT_DOUBLE_EQ(run.curve[1].retain_loss, 0.2);
  EXPECT_EQ(run.metric("model_utility"), 0.5);
  EXPECT_EQ(run.metric("forget_quality"), std::nullopt);  // null stays missing, never a number
}

TEST_F(Report, TableShowsWhatDiffersAndWhatWasMeasured) {
  const std::vector runs = {read_run_summary(make_run("a", "2.5", R"({"model_utility": 0.5})")),
                            read_run_summary(make_run("b", "4.5", ""))};
  const Table table = compare_runs(runs);
  EXPECT_EQ(table.columns, (std::vector<std::string>{"run", "method", "status", "method.beta",
                                                     "model_utility", "seconds"}));
  EXPECT_EQ(table.rows[0], (std::vector<std::string>{"a", "simnpo", "done", "2.5", "0.5", "12.5"}));
  EXPECT_EQ(table.rows[1], (std::vector<std::string>{"b", "simnpo", "done", "4.5", "", "12.5"}));
  EXPECT_EQ(to_csv(table),
            "run,method,status,method.beta,model_utility,seconds\n"
            "a,simnpo,done,2.5,0.5,12.5\nb,simnpo,done,4.5,,12.5\n");
  EXPECT_EQ(to_markdown(table),
            "| run | method | status | method.beta | model_utility | seconds |\n"
            "|---|---|---|---|---|---|\n"
            "| a | simnpo | done | 2.5 | 0.5 | 12.5 |\n"
            "| b | simnpo | done | 4.5 | - | 12.5 |\n");
}

TEST_F(Report, CellsAreQuotedForTheirFormat) {
  const Table table{{"a,b"}, {{"say \"x|y\" <z>"}}};
  EXPECT_EQ(to_csv(table), "\"a,b\"\n\"say \"\"x|y\"\" <z>\"\n");
  EXPECT_NE(to_markdown(table).find("x\\|y"), std::string::npos);
  EXPECT_EQ(escape_html("say \"x|y\" <z> & 'w'"), "say &quot;x|y&quot; &lt;z&gt; &amp; 'w'");
}

TEST_F(Report, ParetoHasADotForEveryEvaluatedRun) {
  const std::vector runs = {
      read_run_summary(make_run("near", "1", R"({"model_utility": 0.5, "forget_quality": 0.9})")),
      read_run_summary(make_run("far", "2", R"({"model_utility": 0.4, "forget_quality": 0.1})")),
      read_run_summary(make_run("unknown", "3", ""))};
  const std::string svg = pareto_svg({runs});
  size_t dots = 0;
  for (size_t at = svg.find("<circle"); at != std::string::npos; at = svg.find("<circle", at + 1)) {
    ++dots;
  }
  EXPECT_EQ(dots, 2u);
  EXPECT_NE(svg.find(">near<"), std::string::npos);
  EXPECT_EQ(pareto_svg({{runs[2]}}), "");
}

// Runs that are close to each other fill the panel, and their labels keep apart.
TEST_F(Report, ParetoFitsItsAxesAndLabels) {
  std::vector<RunSummary> runs;
  for (const char* utility : {"0.950", "0.951", "0.952"}) {
    runs.push_back(read_run_summary(
        make_run(std::string("u") + utility, "1",
                 R"({"forget_quality": 0.5, "model_utility": )" + std::string(utility) + "}")));
  }
  const std::string svg = pareto_svg({runs});
  const auto numbers = [&](const std::string& opening) {
    std::vector<double> found;
    for (size_t at = svg.find(opening); at != std::string::npos; at = svg.find(opening, at + 1)) {
      found.push_back(std::stod(svg.substr(at + opening.size())));
    }
    return found;
  };
  const auto dots = numbers("<circle cx=\"");
  ASSERT_EQ(dots.size(), 3u);
  EXPECT_GT(dots[2] - dots[0], 20);  // of 400 pixels; on an axis from 0 to 1 it would be 0.8
  // No label covers another. A letter of the 10-pixel font is at least 5 pixels wide.
  struct Label {
    double left, right, height;
  };
  std::vector<Label> labels;
  for (const RunSummary& run : runs) {
    const size_t end = svg.find(">" + run.name + "<");
    const std::string text = svg.substr(svg.rfind("<text", end), end - svg.rfind("<text", end));
    const double x = std::stod(text.substr(text.find("x=\"") + 3));
    const double width = 5.0 * static_cast<double>(run.name.size());
    const bool ends_there = text.find("text-anchor=\"end\"") != std::string::npos;
    const Label label{ends_there ? x - width : x, ends_there ? x : x + width,
                      std::stod(text.substr(text.find("y=\"") + 3))};
    for (const Label& other : labels) {
      EXPECT_TRUE(label.left >= other.right || other.left >= label.right ||
                  std::abs(label.height - other.height) >= 9)
          << run.name;
    }
    labels.push_back(label);
  }
}

TEST_F(Report, RefusesWhatIsNoRun) {
  fs::create_directories(root_ / "empty");
  EXPECT_THROW(read_run_summary(root_ / "empty"), UserError);
  EXPECT_THROW(read_run_summary(root_ / "absent"), UserError);
  const auto folder = make_run("bad", "1", R"({"model_utility": "high"})");
  EXPECT_THROW(read_run_summary(folder), UserError);
}

}  // namespace
}  // namespace unlearn::report
