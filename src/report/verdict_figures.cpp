#include "report/verdict_parts.h"
#include "unlearn/core/strings.h"
#include "unlearn/report/table.h"

namespace unlearn::report {
namespace {

std::string interval_text(const Json& value, int places) {
  if (!value.is_array() || value.size() != 2) return "";
  return cat(shown_number(value[0], places), " to ", shown_number(value[1], places));
}

void add_preference(const Json& forget, Table& table) {
  table.rows.push_back({"preference for the true answer (mean)",
                        shown_number(at_path(forget, {"auc_before"}), 3),
                        shown_number(at_path(forget, {"auc_after"}), 3),
                        interval_text(at_path(forget, {"auc_interval_after"}), 3),
                        cat("at most ", shown_number(at_path(forget, {"target"}), 2))});
  table.rows.push_back({"log-probability of the answers",
                        shown_number(at_path(forget, {"mean_logprob_before"}), 3),
                        shown_number(at_path(forget, {"mean_logprob_after"}), 3), "", ""});
  if (const Json base = at_path(forget, {"mean_logprob_base"}); base.is_number()) {
    table.rows.back().back() = cat("before they were learnt: ", shown_number(base, 3));
  }
  table.rows.push_back({"rows extracted by their question",
                        shown_number(at_path(forget, {"extracted_before"}), 0),
                        shown_number(at_path(forget, {"extracted_after"}), 0), "", ""});
  const Json curve = at_path(forget, {"leak_at_k"}), old = at_path(forget, {"leak_at_k_before"});
  for (size_t i = 0; curve.is_array() && i < curve.size(); ++i) {
    const bool same =
        old.is_array() && i < old.size() && at_path(old[i], {"k"}) == at_path(curve[i], {"k"});
    table.rows.push_back({cat("leak@", shown_number(at_path(curve[i], {"k"}), 0), " of samples"),
                          shown_number(same ? at_path(old[i], {"leak"}) : Json(), 3),
                          shown_number(at_path(curve[i], {"leak"}), 3), "", ""});
  }
}

void add_retain(const Json& verdict, Table& table) {
  const std::vector<std::pair<std::string, std::string>> parts = {
      {"held_out", "held-out rows"},
      {"seen", "retain rows trained on"},
      {"neighbours", "rows nearest to the forget rows"},
      {"general_text", "general text"}};
  for (const auto& [key, name] : parts) {
    const Json part = at_path(verdict, {"retain", key});
    if (part.is_null()) continue;
    table.rows.push_back(
        {cat(name, " (", shown_number(at_path(part, {"rows"}), 0), "): log-probability"),
         shown_number(at_path(part, {"mean_logprob_before"}), 3),
         shown_number(at_path(part, {"mean_logprob_after"}), 3),
         part.contains("fall_interval") ? "fall " + interval_text(part.at("fall_interval"), 3) : "",
         key == "held_out"
             ? cat("fall at most ", shown_number(at_path(verdict, {"retain", "max_damage"}), 3))
             : ""});
  }
}

void add_fluency(const Json& verdict, const std::string& set, Table& table) {
  const Json before = at_path(verdict, {"fluency", set + "_before"});
  const Json after = at_path(verdict, {"fluency", set + "_after"});
  if (!after.is_object()) return;
  const std::vector<std::pair<std::string, std::string>> values = {{"empty", "empty"},
                                                                   {"broken", "empty or repeating"},
                                                                   {"alike", "with the same words"},
                                                                   {"refusals", "refusals"}};
  for (const auto& [key, name] : values) {
    table.rows.push_back({cat("answers to ", set, " questions: ", name),
                          shown_number(at_path(before, {key}), 0),
                          cat(shown_number(at_path(after, {key}), 0), " of ",
                              shown_number(at_path(after, {"outputs"}), 0)),
                          "", ""});
  }
  table.rows.push_back({cat("answers to ", set, " questions: distinct-2"),
                        shown_number(at_path(before, {"distinct_2"}), 3),
                        shown_number(at_path(after, {"distinct_2"}), 3), "", ""});
}

void add_membership(const Json& verdict, Table& table) {
  const Json attacks = at_path(verdict, {"membership"});
  if (!attacks.is_object()) return;
  for (const auto& [name, attack] : attacks.items()) {
    table.rows.push_back({cat(name, ": AUC against held-out rows"),
                          shown_number(at_path(attack, {"before", "auc"}), 3),
                          shown_number(at_path(attack, {"after", "auc"}), 3),
                          interval_text(at_path(attack, {"after", "interval"}), 3),
                          shown_text(at_path(attack, {"reading"}))});
  }
}

}  // namespace

std::string verdict_figures(const Json& verdict) {
  Table table;
  table.columns = {"measure", "before", "after", "95 % interval", "target or reading"};
  add_preference(at_path(verdict, {"forget"}), table);
  table.rows.push_back({"outputs with other rows' data",
                        shown_number(at_path(verdict, {"cross_leaks_before"}), 0),
                        shown_number(at_path(verdict, {"cross_leaks"}), 0), "", ""});
  add_retain(verdict, table);
  add_fluency(verdict, "forget", table);
  add_fluency(verdict, "retain", table);
  add_membership(verdict, table);
  return "<div class=\"scroll\">" + to_html(table) + "</div>\n";
}

}  // namespace unlearn::report
