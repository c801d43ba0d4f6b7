// What a run folder says about itself: settings, state, curves and evaluation results.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/core/json.h"

namespace unlearn::report {

// One line of metrics.jsonl, as far as the report draws it.
struct CurvePoint {
  double step = 0;
  double forget_loss = 0;
  double retain_loss = 0;  // 0 where the method reads no retain data (see RunSummary::has_retain)
};

// One question of the forget set with the run's answer.
struct Answer {
  std::string question;
  std::string truth;
  std::string generation;
};

struct RunSummary {
  std::filesystem::path folder;
  std::string name;                             // last part of the folder
  std::string method;                           // "" for a folder that holds an evaluation only
  std::string status;                           // running | done | interrupted | failed | evaluated
  std::map<std::string, std::string> settings;  // dotted key -> value of config.resolved.yaml
  double seconds = 0;
  std::vector<CurvePoint> curve;
  bool has_retain = false;
  std::map<std::string, std::optional<double>> metrics;  // of every eval/*_SUMMARY.json
  std::vector<Answer> answers;                           // of forget_Q_A_ROUGE, in row order

  std::optional<double> metric(const std::string& metric_name) const;
};

// Reads a run folder (or a folder with an evaluation alone). UserError when it holds neither
// run.json nor eval/*_SUMMARY.json, or when a file in it is damaged.
RunSummary read_run_summary(const std::filesystem::path& folder);

}  // namespace unlearn::report
