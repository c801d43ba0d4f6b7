// Which ways of which attacks an audit tries, what they are likely to cost, and what is left out.
#pragma once

#include <string>
#include <vector>

#include "run/audit/settings.h"
#include "unlearn/attacks/attack.h"

namespace unlearn::run {

struct PlannedWay {
  const attacks::RegisteredAttack* attack = nullptr;
  attacks::AttackedModel way;
  double cost = 0;  // predicted, in baseline evaluations of one model
};

struct LeftOut {
  std::string id, reason;
};

struct AuditPlan {
  std::vector<PlannedWay> ways;  // in the order of attacks.def
  std::vector<LeftOut> left_out;
};

// The only one of --attacks: the models as they are.
inline constexpr const char* kNoAttack = "none";

// All ways of the chosen attacks (empty: all); what lacks something is left out.
AuditPlan plan_ways(const AuditSettings& settings, const attacks::Material& material,
                    const std::vector<std::string>& chosen);

// What one baseline evaluation costs, for predictions in its unit.
struct EvaluationCost {
  double tokens = 0;   // run through the model by it
  int64_t models = 1;  // that every way is tried on
  // In baselines: a measurement on the way of an attack, and the white-box measures after one.
  double knowledge = 1, white_box = 0;
};
void predict_costs(const EvaluationCost& evaluation, AuditPlan& plan);

// Leaves out the dearest ways until the rest costs at most `evaluations`.
void keep_within(double evaluations, AuditPlan& plan);

}  // namespace unlearn::run
