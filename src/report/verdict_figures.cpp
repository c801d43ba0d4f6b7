#include <cmath>

#include "report/json_path.h"
#include "report/verdict_parts.h"
#include "unlearn/core/strings.h"

namespace unlearn::report {
namespace {

std::string interval_text(const Json& value, int places) {
  if (!value.is_array() || value.size() != 2) return "";
  return cat(shown_number(value[0], places), " to ", shown_number(value[1], places));
}

// A measure, before, after, interval, target or reading.
void add_row(HtmlTable& table, const std::vector<std::string>& texts) {
  HtmlRow& row = table.rows.emplace_back();
  for (size_t i = 0; i < texts.size(); ++i) {
    row.cells.push_back({texts[i], i == 1 || i == 2 ? "number" : ""});
  }
}

void add_preference(const Json& forget, HtmlTable& table) {
  add_row(table, {"preference for the true answer (mean)",
                  shown_number(at_path(forget, {"auc_before"}), 3),
                  shown_number(at_path(forget, {"auc_after"}), 3),
                  interval_text(at_path(forget, {"auc_interval_after"}), 3),
                  cat("at most ", shown_number(at_path(forget, {"target"}), 2))});
  add_row(table, {"log-probability of the answers",
                  shown_number(at_path(forget, {"mean_logprob_before"}), 3),
                  shown_number(at_path(forget, {"mean_logprob_after"}), 3), "", ""});
  if (const Json base = at_path(forget, {"mean_logprob_base"}); base.is_number()) {
    table.rows.back().cells.back().text = cat("before they were learnt: ", shown_number(base, 3));
  }
  add_row(table, {"rows extracted by their question",
                  shown_number(at_path(forget, {"extracted_before"}), 0),
                  shown_number(at_path(forget, {"extracted_after"}), 0), "", ""});
  for (const auto& [key, name] :
       {std::pair{"extracted_in_other_words", "more in other words"},
        {"extracted_when_begun", "more when the answer's first words are given"},
        {"extracted_in_samples", "more by one of the samples"}}) {
    if (const Json rows = at_path(forget, {key}); rows.is_number()) {
      add_row(table, {name, "", shown_number(rows, 0), "", ""});
    }
  }
  const Json curve = at_path(forget, {"leak_at_k"}), old = at_path(forget, {"leak_at_k_before"});
  for (size_t i = 0; curve.is_array() && i < curve.size(); ++i) {
    const bool same =
        old.is_array() && i < old.size() && at_path(old[i], {"k"}) == at_path(curve[i], {"k"});
    add_row(table, {cat("leak@", shown_number(at_path(curve[i], {"k"}), 0), " of samples"),
                    shown_number(same ? at_path(old[i], {"leak"}) : Json(), 3),
                    shown_number(at_path(curve[i], {"leak"}), 3), "", ""});
  }
}

void add_retain(const Json& verdict, HtmlTable& table) {
  const std::vector<std::pair<std::string, std::string>> parts = {
      {"held_out", "held-out rows"},
      {"seen", "retain rows trained on"},
      {"neighbours", "rows nearest to the forget rows"},
      {"general_text", "general text"}};
  for (const auto& [key, name] : parts) {
    const Json part = at_path(verdict, {"retain", key});
    if (part.is_null()) continue;
    add_row(
        table,
        {cat(name, " (", shown_number(at_path(part, {"rows"}), 0), "): log-probability"),
         shown_number(at_path(part, {"mean_logprob_before"}), 3),
         shown_number(at_path(part, {"mean_logprob_after"}), 3),
         part.contains("fall_interval") ? "fall " + interval_text(part.at("fall_interval"), 3) : "",
         key == "held_out"
             ? cat("fall at most ", shown_number(at_path(verdict, {"retain", "max_damage"}), 3))
             : ""});
  }
}

void add_fluency(const Json& verdict, const std::string& set, HtmlTable& table) {
  const Json before = at_path(verdict, {"fluency", set + "_before"});
  const Json after = at_path(verdict, {"fluency", set + "_after"});
  if (!after.is_object()) return;
  const std::vector<std::pair<std::string, std::string>> values = {{"empty", "empty"},
                                                                   {"broken", "empty or repeating"},
                                                                   {"alike", "with the same words"},
                                                                   {"refusals", "refusals"}};
  for (const auto& [key, name] : values) {
    add_row(table,
            {cat("answers to ", set, " questions: ", name), shown_number(at_path(before, {key}), 0),
             cat(shown_number(at_path(after, {key}), 0), " of ",
                 shown_number(at_path(after, {"outputs"}), 0)),
             "", ""});
  }
  add_row(table, {cat("answers to ", set, " questions: distinct-2"),
                  shown_number(at_path(before, {"distinct_2"}), 3),
                  shown_number(at_path(after, {"distinct_2"}), 3), "", ""});
}

void add_membership(const Json& verdict, HtmlTable& table) {
  const Json attacks = at_path(verdict, {"membership"});
  if (!attacks.is_object()) return;
  for (const auto& [name, attack] : attacks.items()) {
    add_row(table, {cat(name, ": AUC against held-out rows"),
                    shown_number(at_path(attack, {"before", "auc"}), 3),
                    shown_number(at_path(attack, {"after", "auc"}), 3),
                    interval_text(at_path(attack, {"after", "interval"}), 3),
                    shown_text(at_path(attack, {"reading"}))});
  }
}

}  // namespace

std::vector<Tile> verdict_tiles(const Json& verdict) {
  std::vector<Tile> tiles;
  const auto count = [](const Json& value) { return value.is_number() ? value.dump() : "?"; };
  const auto state = [](bool good) { return std::string(good ? "good" : "bad"); };
  const Json auc = at_path(verdict, {"forget", "auc_after"});
  const Json target = at_path(verdict, {"forget", "target"});
  if (auc.is_number() && target.is_number()) {
    const bool decides = at_path(verdict, {"forget", "target_is"}) != Json("mean_logprob_base");
    tiles.push_back({"preference for the true answer",
                     cat(shown_number(at_path(verdict, {"forget", "auc_before"}), 2), " → ",
                         shown_number(auc, 2)),
                     cat("0.5 is none; target at most ", shown_number(target, 2)),
                     decides ? state(auc <= target) : "open"});
  }
  const Json extracted = at_path(verdict, {"forget", "extracted_after"});
  if (extracted.is_number()) {
    tiles.push_back(
        {"rows said by the model",
         cat(count(at_path(verdict, {"forget", "extracted_before"})), " → ", count(extracted)),
         cat("of ", verdict.at("rows").size(), ", asked by their question"),
         state(extracted == 0)});
  }
  const Json leaks = at_path(verdict, {"cross_leaks"});
  if (leaks.is_number()) {
    tiles.push_back({"outputs with other rows' data",
                     cat(count(at_path(verdict, {"cross_leaks_before"})), " → ", count(leaks)), "",
                     state(leaks == 0)});
  }
  const Json fall = at_path(verdict, {"retain", "held_out", "fall"});
  const Json limit = at_path(verdict, {"retain", "max_damage"});
  if (fall.is_number() && limit.is_number()) {
    const auto lost = [](const Json& nats) {
      return cat(shown_number(-100 * std::expm1(-nats.get<double>()), 1), " %");
    };
    tiles.push_back(
        {"held-out rows lost", lost(fall), cat("limit ", lost(limit)), state(fall <= limit)});
  }
  const Json outputs = at_path(verdict, {"fluency", "forget_after"});
  if (outputs.is_object()) {
    const Json broken = at_path(outputs, {"broken"}), all = at_path(outputs, {"outputs"});
    const bool whole =
        broken.is_number() && all.is_number() && 4 * broken.get<double>() < all.get<double>();
    tiles.push_back({"broken answers to these questions", cat(count(broken), " of ", count(all)),
                     cat(count(at_path(outputs, {"refusals"})), " refusals"), state(whole)});
  }
  return tiles;
}

HtmlTable verdict_figures(const Json& verdict) {
  HtmlTable table{.columns = {{"measure"},
                              {"before", "", "", true},
                              {"after", "", "", true},
                              {"95 % interval"},
                              {"target or reading"}}};
  add_preference(at_path(verdict, {"forget"}), table);
  add_row(table, {"outputs with other rows' data",
                  shown_number(at_path(verdict, {"cross_leaks_before"}), 0),
                  shown_number(at_path(verdict, {"cross_leaks"}), 0), "", ""});
  add_retain(verdict, table);
  add_fluency(verdict, "forget", table);
  add_fluency(verdict, "retain", table);
  add_membership(verdict, table);
  return table;
}

}  // namespace unlearn::report
