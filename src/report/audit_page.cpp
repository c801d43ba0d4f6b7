#include "unlearn/report/audit_page.h"

#include <algorithm>
#include <map>

#include "report/audit_parts.h"
#include "report/json_path.h"
#include "unlearn/core/error.h"
#include "unlearn/core/plural.h"

namespace unlearn::report {
namespace {

std::string headline(const Json& verdict) {
  const std::string value = shown_text(at_path(verdict, {"value"}));
  const std::string worst = shown_text(at_path(verdict, {"worst"}));
  if (value == "leaks") return cat("It is not forgotten: ", worst, " brings it back.");
  if (value == "holds") return "What was tried did not bring it back.";
  if (value == "inconclusive") return cat("Undecided: ", worst, " has no clear result.");
  if (value == "void") {
    return "Nothing can be said: by these measures nothing was forgotten, or nothing was measured.";
  }
  return "No attack was tried: whether it is forgotten is not judged.";
}

std::string state_of(const Json& verdict) {
  const std::string value = shown_text(at_path(verdict, {"value"}));
  return value == "leaks" ? "bad" : value == "holds" ? "good" : "open";
}

// How many attacks end how; an attack counts by its worst measure.
Json tiles_of(const Json& audit) {
  const std::vector<std::string> order = {"leaks", "inconclusive", "void", "holds"};
  std::map<std::string, size_t> worst;
  for (const Json& entry : audit.at("attacks")) {
    const auto found =
        std::find(order.begin(), order.end(), shown_text(at_path(entry, {"verdict"})));
    const auto place = static_cast<size_t>(found - order.begin());
    const auto [attack, is_new] = worst.try_emplace(shown_text(at_path(entry, {"id"})), place);
    if (!is_new) attack->second = std::min(attack->second, place);
  }
  Json tiles = Json::array();
  const char* notes[] = {"bring it back", "no clear result", "too little was forgotten to tell",
                         "did not bring it back"};
  for (size_t i = 0; i < order.size(); ++i) {
    const auto count = std::count_if(worst.begin(), worst.end(),
                                     [&](const auto& attack) { return attack.second == i; });
    const char* state = count == 0 ? "open" : i == 0 ? "bad" : i == 3 ? "good" : "open";
    tiles.push_back(
        Tile{cat("attacks: ", order[i]), cat(count, " of ", worst.size()), notes[i], state}.json());
  }
  return tiles;
}

Json privacy_of(const Json& audit) {
  Json sentences = Json::array();
  const Json privacy = at_path(audit, {"privacy"});
  for (size_t i = 0; privacy.is_array() && i < privacy.size(); ++i) {
    const Json sentence = at_path(privacy[i], {"sentence"});
    if (!sentence.is_string()) continue;
    sentences.push_back(
        cat(shown_text(at_path(privacy[i], {"name"})), ": ", sentence.get<std::string>()));
  }
  return sentences;
}

Json origin_of(const Json& audit) {
  std::vector<std::pair<std::string, std::string>> values;
  for (const char* key : {"program", "benchmark", "forget", "template", "seed", "quick"}) {
    const std::string value = shown_text(at_path(audit, {key}));
    if (!value.empty()) values.emplace_back(key, value);
  }
  const Json models = at_path(audit, {"models"});
  if (models.is_object()) {
    for (const auto& [role, name] : models.items()) {
      values.emplace_back(cat(role, " model"), name.is_null() ? "not given" : shown_text(name));
    }
  }
  values.emplace_back("how long it took", "costs.json beside this page");
  return key_table("origin", values).json();
}

Json settings_of(const Json& audit) {
  HtmlTable table{.columns = {{"attack"}, {"source"}, {"seeds"}, {"settings"}}};
  std::string last;
  for (const Json& entry : audit.at("attacks")) {
    const std::string id = shown_text(at_path(entry, {"id"}));
    if (id == last) continue;
    last = id;
    table.rows.push_back({{{id},
                           {shown_text(at_path(entry, {"source"})), "text"},
                           {shown_text(at_path(entry, {"seeds"})), "number"},
                           {at_path(entry, {"settings"}).dump(), "text"}}});
  }
  return table.json();
}

}  // namespace

std::string audit_page(const Json& audit) {
  if (!at_path(audit, {"verdict"}).is_object() || !at_path(audit, {"attacks"}).is_array()) {
    user_error("audit.json: must be an object with 'verdict' and 'attacks' (a list)");
  }
  PageParts page{.name = "audit.html",
                 .title = "unlearn audit",
                 .state = state_of(audit.at("verdict")),
                 .sentence = headline(audit.at("verdict"))};
  Json& values = page.values;
  values["tiles_list"] = tiles_of(audit);
  const HtmlTable heat = audit_heat_map(audit), models = audit_models(audit);
  values["heat"] = heat.rows.empty() ? Json() : heat.json();
  values["models"] = models.rows.empty() ? Json() : models.json();
  values["sentences"] = Json::array();
  for (const Json& entry : audit.at("attacks")) {
    values["sentences"].push_back(shown_text(at_path(entry, {"sentence"})));
  }
  values["privacy"] = privacy_of(audit);
  values["over_unlearned"] = shown_text(at_path(audit, {"over_unlearned", "sentence"}));
  const HtmlTable blocks = audit_white_box(audit);
  values["blocks"] = blocks.rows.empty() ? Json() : blocks.json();
  values["white_box"] = shown_text(at_path(audit, {"white_box", "sentence"}));
  values["left_out"] = Json::array();
  const Json left_out = at_path(audit, {"left_out"});
  for (size_t i = 0; left_out.is_array() && i < left_out.size(); ++i) {
    values["left_out"].push_back(cat(shown_text(at_path(left_out[i], {"id"})), ": ",
                                     shown_text(at_path(left_out[i], {"reason"}))));
  }
  values["origin"] = origin_of(audit);
  values["settings"] = settings_of(audit);
  page.figures["curves"] = audit_curves(audit);
  return page_html(page);
}

}  // namespace unlearn::report
