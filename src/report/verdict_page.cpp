#include "unlearn/report/verdict_page.h"

#include "report/json_path.h"
#include "report/verdict_parts.h"
#include "unlearn/core/error.h"

namespace unlearn::report {
namespace {

std::string verdict_state(const Json& verdict) {
  const Json reached = at_path(verdict, {"reached"}), unharmed = at_path(verdict, {"damage_ok"});
  if (reached == Json(true) && unharmed == Json(true)) return "good";
  return reached == Json(false) || unharmed == Json(false) ? "bad" : "open";
}

// An object's keys and values as a table; null where there is none.
Json keys_of(const Json& object, const std::string& name) {
  if (!object.is_object() || object.empty()) return nullptr;
  std::vector<std::pair<std::string, std::string>> values;
  for (const auto& [key, value] : object.items()) values.emplace_back(key, shown_text(value));
  return key_table(name, values).json();
}

Json verdict_origin(const Json& verdict) {
  std::vector<std::pair<std::string, std::string>> values;
  for (const char* key : {"template", "date", "machine", "program"}) {
    const std::string value = shown_text(at_path(verdict, {key}));
    values.emplace_back(key, value.empty() ? "not recorded" : value);
  }
  return key_table("origin", values).json();
}

}  // namespace

std::string verdict_page(const Json& verdict) {
  if (!at_path(verdict, {"verdict"}).is_string() || !at_path(verdict, {"rows"}).is_array()) {
    user_error("verdict.json: must be an object with 'verdict' (a text) and 'rows' (a list)");
  }
  PageParts page{.name = "verdict.html",
                 .title = "unlearn verdict",
                 .state = verdict_state(verdict),
                 .sentence = verdict.at("verdict").get<std::string>()};
  Json& values = page.values;
  values["tiles_list"] = Json::array();
  for (const Tile& tile : verdict_tiles(verdict)) values["tiles_list"].push_back(tile.json());
  values["rows"] = verdict_rows(verdict).json();
  values["figures_table"] = verdict_figures(verdict).json();
  const Json open = at_path(verdict, {"not_concluded"});
  values["not_concluded"] = open.is_array() ? open : Json::array();
  std::string left_out;
  values["prompts"] = verdict_prompts(verdict, left_out);
  values["prompts_left_out"] = left_out;
  values["origin"] = verdict_origin(verdict);
  values["hashes"] = keys_of(at_path(verdict, {"sha256"}), "SHA-256 of");
  values["settings"] = keys_of(at_path(verdict, {"settings"}), "setting");
  Figure chart = verdict_chart(verdict);
  if (!chart.svg.empty()) page.figures["rows"].push_back(std::move(chart));
  return page_html(page);
}

}  // namespace unlearn::report
