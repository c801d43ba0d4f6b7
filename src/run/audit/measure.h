// From evaluations and answers to the values of an audit.
#pragma once

#include <string>
#include <vector>

#include "run/audit/cells.h"
#include "run/audit/subject.h"
#include "unlearn/benchmarks/benchmark.h"

namespace unlearn::run {

// What the benchmark says is knowledge, row by row, and its utility.
Measured read_outcome(const eval::Outcome& outcome, const benchmarks::AuditSupport& support);

// Of a baseline: every aggregate, and how fluent the outputs are.
Json describe_baseline(const eval::Outcome& outcome);

// Answers to prompts, or to plain questions, of the forget rows.
class PromptProbe {
 public:
  // Both must outlive this.
  PromptProbe(AuditedModel& model, const eval::Questions& questions, OwnFolder& folder);

  // `before`: the plain questions of the same rows, measured on the same part of the answers.
  Cell ask(const attacks::AttackedModel& way);
  // One point per k of leak@k; `before` is the greedy answer.
  Cell sample(const attacks::Decoding& decoding, int64_t seed);

 private:
  struct Asked;
  std::vector<Asked> compose_rows(const attacks::AttackedModel* way) const;
  std::vector<std::string> outputs(const std::vector<std::vector<int32_t>>& prompts,
                                   const attacks::Decoding* decoding, uint64_t seed);
  std::vector<double> probabilities(const std::vector<data::Example>& scored);
  eval::Results execute(const eval::Plan& plan, const attacks::Decoding* decoding, uint64_t seed);

  AuditedModel& model_;
  const eval::Questions& questions_;
  std::filesystem::path cache_;
};

// The last point of several prompt cells of one model: per row the most that any of them brought.
Cell worst_of(const std::vector<Cell>& prompts);

}  // namespace unlearn::run
