// What an audit says in the end: the content of audit.json and costs.json.
#include "run/audit/auditor.h"
#include "unlearn/core/error.h"
#include "unlearn/eval/request_counts.h"
#include "unlearn/run/version.h"

namespace unlearn::run {

std::string Auditor::id_of(const AuditedModel& model) const {
  constexpr size_t kShown = 12;
  return cat(model.folder().filename().string(), "@", model.key().substr(0, kShown));
}

// Per row the most that any prompt brought: one attacker may try them all.
void Auditor::add_worst_prompt(Json& entries) const {
  std::map<AuditRole, std::vector<Cell>> prompts;
  const PlannedWay* example = nullptr;
  int64_t kinds = 0;
  for (const PlannedWay& way : inputs_.plan.ways) {
    if (!way.way.change_prompt || way.way.settings.value("kind", "") == "prefill") continue;
    example = &way;
    ++kinds;
    for (const auto& [role, cells] : ways_.at(way.way.id).of) {
      prompts[role].insert(prompts[role].end(), cells.begin(), cells.end());
    }
  }
  if (kinds < 2) return;
  PlannedWay worst = *example;
  worst.way.id = "prompt-worst";
  worst.way.settings = {{"kind", "per row the best of the prompts"}, {"prompts", kinds}};
  WayCells cells;
  for (const auto& [role, of_role] : prompts) cells.of[role] = {worst_of(of_role)};
  for (Json& entry : way_entries(worst, cells, facts_)) entries.push_back(std::move(entry));
}

Json Auditor::result() const {
  Json entries = Json::array();
  for (const PlannedWay& way : inputs_.plan.ways) {
    for (Json& entry : way_entries(way, ways_.at(way.way.id), facts_)) {
      entries.push_back(std::move(entry));
    }
  }
  add_worst_prompt(entries);
  Json left_out = Json::array();
  for (const LeftOut& left : inputs_.plan.left_out) {
    left_out.push_back({{"id", left.id}, {"reason", left.reason}});
  }
  Json models = Json::object(), baselines = Json::object();
  const std::pair<const char*, AuditRole> roles[] = {{"original", AuditRole::kOriginal},
                                                     {"unlearned", AuditRole::kUnlearned},
                                                     {"retain", AuditRole::kRetain}};
  for (const auto& [name, role] : roles) {
    const auto model = inputs_.models.find(role);
    models[name] = model == inputs_.models.end() ? Json() : Json(id_of(*model->second));
    const auto as_it_is = facts_.baselines.find(role);
    if (as_it_is != facts_.baselines.end()) baselines[name] = as_it_is->second.extra;
  }
  const eval::EvaluationInputs given =
      inputs_.models.at(AuditRole::kUnlearned)->evaluator().inputs();
  Json privacy = privacy_entries(facts_);
  return {{"version", 1},
          {"program", cat("unlearn ", version_text())},
          {"models", std::move(models)},
          {"benchmark", inputs_.benchmark().info.name},
          {"forget", inputs_.configs.narrow.data.forget},
          {"template", given.prompt_template.name},
          {"seed", request_.seed},
          {"quick", request_.quick},
          {"verdict", overall_verdict(entries)},
          {"attacks", std::move(entries)},
          {"white_box",
           inputs_.depth ? depth_entry(depth_, *inputs_.depth, inputs_.settings.depth) : Json()},
          {"over_unlearned", over_unlearning_entry(privacy)},
          {"privacy", std::move(privacy)},
          {"baselines", std::move(baselines)},
          {"left_out", std::move(left_out)}};
}

Json Auditor::costs() const {
  const eval::RequestCounts requests = eval::request_counts();
  return {{"date", time_text()},
          {"cells_measured", measured_},
          {"cells_taken", taken_},
          {"requests_asked", requests.asked},
          {"requests_run", requests.run},
          {"seconds_in_attacks", seconds_},
          {"seconds_of_a_baseline", baseline_seconds_}};
}

}  // namespace unlearn::run
