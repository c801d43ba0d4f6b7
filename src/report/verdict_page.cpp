#include "unlearn/report/verdict_page.h"

#include <cmath>

#include "report/verdict_parts.h"
#include "unlearn/core/error.h"
#include "unlearn/report/table.h"

namespace unlearn::report {
namespace {

std::string state_of(const Json& verdict) {
  const Json reached = at_path(verdict, {"reached"}), unharmed = at_path(verdict, {"damage_ok"});
  if (reached == Json(true) && unharmed == Json(true)) return "good";
  return reached == Json(false) || unharmed == Json(false) ? "bad" : "open";
}

std::string not_concluded(const Json& verdict) {
  const Json list = at_path(verdict, {"not_concluded"});
  if (!list.is_array() || list.empty()) return "";
  std::string text = "<h2>What cannot be concluded</h2>\n<ul>\n";
  for (const Json& item : list) text += cat("<li>", escape_html(shown_text(item)), "</li>\n");
  return text + "</ul>\n";
}

std::string how_to_read() {
  return "<h2>What was measured</h2>\n<p>Every figure was taken from the same rows before and "
         "after "
         "unlearning. <b>Preference</b>: how often the model finds a row's true answer likelier "
         "than "
         "other rows' answers to the same question (1 = always, 0.5 = no preference; far below 0.5 "
         "the true answer is avoided, which shows). <b>Extracted</b>: the likeliest output holds "
         "the "
         "answer or something only this row has: a number, an address, a name, a rare word. "
         "<b>Log-probability</b>: mean per token of the true answer.</p>\n";
}

}  // namespace

Json at_path(const Json& value, const std::vector<std::string>& keys) {
  const Json* place = &value;
  for (const std::string& key : keys) {
    if (!place->is_object()) return {};
    const auto found = place->find(key);
    if (found == place->end()) return {};
    place = &*found;
  }
  return *place;
}

std::string shown_number(const Json& value, int places) {
  if (!value.is_number()) return "not measured";
  const auto number = value.get<double>();
  if (!std::isfinite(number)) return "no number";
  std::ostringstream out;
  out.setf(std::ios::fixed);
  out.precision(places);
  out << number;
  return out.str();
}

std::string shown_text(const Json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string verdict_page(const Json& verdict) {
  if (!at_path(verdict, {"verdict"}).is_string() || !at_path(verdict, {"rows"}).is_array()) {
    user_error("verdict.json: must be an object with 'verdict' (a text) and 'rows' (a list)");
  }
  const std::string sentence = escape_html(verdict.at("verdict").get<std::string>());
  return cat(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta "
      "name=\"viewport\" content=\"width=device-width\"><title>unlearn verdict</title><style>",
      verdict_style(), "</style></head>\n<body>\n<h1>Verdict</h1>\n<p class=\"verdict ",
      state_of(verdict), "\">", sentence, "</p>\n", verdict_rows(verdict), how_to_read(),
      verdict_figures(verdict), not_concluded(verdict), verdict_prompts(verdict),
      verdict_origin(verdict), "</body></html>\n");
}

}  // namespace unlearn::report
