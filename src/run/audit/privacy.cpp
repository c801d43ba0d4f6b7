// What the membership attacks say of the models as they are.
#include "unlearn/metrics/audit/privacy.h"

#include "run/audit/entries.h"
#include "unlearn/core/strings.h"
#include "unlearn/metrics/or_null.h"

namespace unlearn::run {

namespace audit = metrics::audit;

Json privacy_entries(const AuditFacts& facts) {
  Json entries = Json::array();
  const auto metrics_of = [&](AuditRole role) {
    const auto found = facts.baselines.find(role);
    return found == facts.baselines.end() ? Json::object() : found->second.extra.at("metrics");
  };
  const Json unlearned = metrics_of(AuditRole::kUnlearned), retain = metrics_of(AuditRole::kRetain);
  for (const auto& [name, value] : unlearned.items()) {
    if (!name.starts_with("mia_") || !value.is_number()) continue;
    const auto auc = value.get<double>();
    const auto other = retain.find(name);
    std::optional<double> control;
    if (other != retain.end() && other->is_number()) control = other->get<double>();
    const audit::OverUnlearning over = audit::over_unlearning(auc, control);
    entries.push_back(
        {{"name", name},
         {"U", auc},
         {"R", metrics::or_null(control)},
         {"s_mia", control ? metrics::or_null(audit::membership_likeness(auc, *control)) : Json()},
         {"over_unlearned", over.is_over},
         {"distinguishing", over.distinguishing},
         {"sentence", over.is_over ? Json(over.sentence) : Json()}});
  }
  return entries;
}

Json over_unlearning_entry(const Json& privacy) {
  if (privacy.empty()) {
    return {{"value", nullptr},
            {"by", nullptr},
            {"sentence", "over-unlearning: not known, no membership attack has a value"}};
  }
  // The one that finds the forget texts best by how much they are avoided.
  const Json* worst = nullptr;
  for (const Json& entry : privacy) {
    if (!entry.at("over_unlearned").get<bool>()) continue;
    const auto shown = [](const Json& one) { return one.at("distinguishing").get<double>(); };
    if (worst == nullptr || shown(entry) > shown(*worst)) worst = &entry;
  }
  if (worst != nullptr) {
    return {{"value", true},
            {"by", worst->at("name")},
            {"sentence", cat(worst->at("name").get<std::string>(), ": ",
                             worst->at("sentence").get<std::string>())}};
  }
  const bool has_control = privacy.front().at("R").is_number();
  return {
      {"value", false},
      {"by", nullptr},
      {"sentence", cat("over-unlearning: none of ", privacy.size(), " membership attacks has an ",
                       "AUC far below ", has_control ? "the retain model's" : "0.5")}};
}

}  // namespace unlearn::run
