#include "run/audit/plan.h"

#include <algorithm>

#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"

namespace unlearn::run {
namespace {

// Share of a baseline evaluation that asking the forget questions once takes.
constexpr double kAskingShare = 0.4;

double cost_of(const attacks::AttackedModel& way, const EvaluationCost& evaluation) {
  const auto seeds = static_cast<double>(way.seeds);
  if (way.change_prompt) return 2 * kAskingShare;
  if (way.decoding) return kAskingShare * static_cast<double>(way.decoding->samples + 1);
  const double training = evaluation.tokens > 0 ? way.passes * 1000 / evaluation.tokens : 0;
  const double on_the_way = evaluation.knowledge * static_cast<double>(way.points - 1);
  return seeds * (1 + on_the_way + training + evaluation.white_box);
}

}  // namespace

AuditPlan plan_ways(const AuditSettings& settings, const attacks::Material& material,
                    const std::vector<std::string>& chosen) {
  AuditPlan plan;
  if (chosen == std::vector<std::string>{kNoAttack}) return plan;
  for (const std::string& name : chosen) {
    if (name == kNoAttack) user_error("--attacks: ", kNoAttack, " stands alone");
    attacks::find_attack(name, "--attacks");
  }
  const auto& registered = attacks::registered_attacks();
  for (size_t i = 0; i < registered.size(); ++i) {
    const bool is_chosen = chosen.empty() || std::find(chosen.begin(), chosen.end(),
                                                       registered[i].name) != chosen.end();
    if (!is_chosen) continue;
    for (attacks::AttackedModel& way : settings.attacks[i]->attack(material)) {
      if (way.missing.empty()) {
        plan.ways.push_back({&registered[i], std::move(way), 0});
      } else {
        plan.left_out.push_back({way.id, "needs " + way.missing});
      }
    }
  }
  return plan;
}

void predict_costs(const EvaluationCost& evaluation, AuditPlan& plan) {
  for (PlannedWay& way : plan.ways) {
    way.cost = cost_of(way.way, evaluation) * static_cast<double>(evaluation.models);
  }
}

void keep_within(double evaluations, AuditPlan& plan) {
  std::vector<size_t> order(plan.ways.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return plan.ways[a].cost < plan.ways[b].cost; });
  std::vector<bool> kept(plan.ways.size(), false);
  double spent = 0;
  for (const size_t i : order) {
    spent += plan.ways[i].cost;
    kept[i] = spent <= evaluations;
  }
  std::vector<PlannedWay> ways;
  for (size_t i = 0; i < plan.ways.size(); ++i) {
    if (kept[i]) {
      ways.push_back(std::move(plan.ways[i]));
    } else {
      plan.left_out.push_back({plan.ways[i].way.id, "no room in --budget"});
    }
  }
  plan.ways = std::move(ways);
}

}  // namespace unlearn::run
