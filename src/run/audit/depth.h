// White box: what the blocks of the unlearned and the retain model still hold of the forget rows,
// told by the original's (Unlearning Depth Score and logit lens, metrics/audit/depth_score.h).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "run/audit/cells.h"
#include "run/audit/settings.h"
#include "run/audit/subject.h"
#include "unlearn/data/example.h"
#include "unlearn/eval/questions.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::run {

inline constexpr const char* kDepthId = "depth-score";  // among what was left out

// The texts, whose labels are the tokens that are to be forgotten.
struct DepthRows {
  std::vector<data::Example> examples;
  std::string entities;  // what the labels are: of a file, or whole answers
  std::string key;       // of all that decides a measurement but the models
  double tokens() const;
};

// Of audit.depth.rows; without a file the questions' whole answers. Texts longer than the context
// (0: not known) are left out. None without rows. UserError "<file>: row <n>: …".
std::optional<DepthRows> depth_rows(const DepthSettings& settings, const eval::Questions* questions,
                                    const eval::EvaluationInputs& inputs);

// One model against the original: its rows stand in Cell::extra.
Cell measure_depth(const DepthRows& rows, const DepthSettings& settings, model::CausalLM& original,
                   model::CausalLM& source);

enum class DepthKind : uint8_t { kPatched, kLens };
// As an audit's measures of knowledge.
inline constexpr std::pair<const char*, DepthKind> kDepthMeasures[] = {
    {"depth", DepthKind::kPatched}, {"lens", DepthKind::kLens}};

// 1 - the score, by row, of what measure_depth gave of a model and of the retain model; rows
// without a score are left out.
std::map<int64_t, double> depth_knowledge(const Cell& source, const Cell& retain, DepthKind kind);

// Means per block, both scores and a sentence; null unless both models were measured.
Json depth_entry(const std::map<AuditRole, Cell>& cells, const DepthRows& rows,
                 const DepthSettings& settings);

}  // namespace unlearn::run
