// What a run folder says about itself: settings, state, curves, and what was measured before and
// after training.
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

// One question of the forget set with the model's answer.
struct Answer {
  int64_t row = 0;
  std::string question;  // without the prompt template's marks
  std::string truth;
  std::string generation;
  std::optional<double> probability;  // of the true answer, per token (geometric mean)
  std::optional<double> rouge;        // ROUGE-L recall
};

// What was measured of one model.
struct Evaluation {
  // Of every eval/*_SUMMARY.json, and forget_broken, forget_alike, forget_distinct_2 and
  // retain_broken, which are counted in the stored answers (shares of the answers).
  std::map<std::string, std::optional<double>> metrics;
  std::vector<Answer> answers;  // in row order
  bool mostly_refuses = false;  // half of the answers or more begin like a refusal

  std::optional<double> metric(const std::string& metric_name) const;
  // Answers that are empty, repeat themselves, or are all the same words without being refusals:
  // such figures show a broken model, not forgetting.
  bool is_ruined() const;
};

// The sentence and the two decisions of verdict.json.
struct OwnVerdict {
  std::string sentence;
  bool reached = false;
  std::optional<bool> damage_ok;
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
  Evaluation after;
  std::optional<Evaluation> before;  // of the model it started from
  std::string before_source;         // where that was measured; "" without
  std::optional<OwnVerdict> verdict;
  Json record = Json::object();  // run.json

  std::optional<double> metric(const std::string& metric_name) const {
    return after.metric(metric_name);
  }
};

// Reads a run folder (or a folder with an evaluation alone). UserError when it holds neither
// run.json nor eval/*_SUMMARY.json, or when a file in it is damaged. "before" is what the run
// recorded before its first step (verdict.json, or eval/before), else the evaluation of the run
// whose model it started from.
RunSummary read_run_summary(const std::filesystem::path& folder);

// The folder that `eval.retain_log` of a run names, where it is there and holds an evaluation; ""
// otherwise.
std::filesystem::path retain_reference(const RunSummary& run);

}  // namespace unlearn::report
