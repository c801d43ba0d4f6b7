#include "unlearn/report/audit_page.h"

#include "report/audit_parts.h"
#include "report/verdict_parts.h"
#include "unlearn/core/error.h"
#include "unlearn/report/table.h"

namespace unlearn::report {
namespace {

std::string headline(const Json& verdict) {
  const std::string value = shown_text(at_path(verdict, {"value"}));
  const std::string worst = shown_text(at_path(verdict, {"worst"}));
  if (value == "leaks") return cat("It is not forgotten: ", worst, " brings it back.");
  if (value == "holds") return "What was tried did not bring it back.";
  if (value == "inconclusive") return cat("Undecided: ", worst, " has no clear result.");
  return "Nothing can be said: by these measures nothing was forgotten, or nothing was measured.";
}

std::string state_class(const Json& verdict) {
  const std::string value = shown_text(at_path(verdict, {"value"}));
  return value == "leaks" ? "bad" : value == "holds" ? "good" : "open";
}

std::string sentences(const Json& audit) {
  std::string text = "<h2>Attack by attack</h2>\n<ul>\n";
  for (const Json& entry : audit.at("attacks")) {
    text += cat("<li>", escape_html(shown_text(at_path(entry, {"sentence"}))), "</li>\n");
  }
  return text + "</ul>\n";
}

std::string how_to_read_audit() {
  return "<h2>How to read this</h2>\n<p>Every measure is of the same rows before and after an "
         "attack; higher means more knowledge. <b>Share</b>: what the attack brought back of what "
         "unlearning took away (0 %: nothing, 100 %: as before unlearning), with a 95 % interval "
         "over rows. <b>Excess</b>: what comes back beyond what the same attack teaches a model "
         "that never saw the rows. An attack <i>leaks</i> when the interval of the share lies "
         "above 20 % and the excess above 0, <i>holds</i> when it lies below, and is "
         "<i>inconclusive</i> otherwise; it is <i>void</i> where too little was forgotten. What "
         "was not tried is not shown to hold.</p>\n";
}

std::string left_out(const Json& audit) {
  const Json list = at_path(audit, {"left_out"});
  if (!list.is_array() || list.empty()) return "";
  std::string text = "<h2>Left out</h2>\n<ul>\n";
  for (const Json& item : list) {
    text += cat("<li>", escape_html(shown_text(at_path(item, {"id"}))), ": ",
                escape_html(shown_text(at_path(item, {"reason"}))), "</li>\n");
  }
  return text + "</ul>\n";
}

std::string all_settings(const Json& audit) {
  Table table;
  table.columns = {"attack", "source", "seeds", "settings"};
  std::string last;
  for (const Json& entry : audit.at("attacks")) {
    const std::string id = shown_text(at_path(entry, {"id"}));
    if (id == last) continue;
    last = id;
    table.rows.push_back({id, shown_text(at_path(entry, {"source"})),
                          shown_text(at_path(entry, {"seeds"})),
                          at_path(entry, {"settings"}).dump()});
  }
  return cat("<details><summary>Settings</summary>\n", to_html(table), "</details>\n");
}

}  // namespace

std::string audit_page(const Json& audit) {
  if (!at_path(audit, {"verdict"}).is_object() || !at_path(audit, {"attacks"}).is_array()) {
    user_error("audit.json: must be an object with 'verdict' and 'attacks' (a list)");
  }
  const Json verdict = audit.at("verdict");
  return cat(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta "
      "name=\"viewport\" content=\"width=device-width\"><title>unlearn audit</title><style>",
      verdict_style(),
      "td.share{text-align:right;white-space:nowrap}td.share small{opacity:.8}"
      "</style></head>\n<body>\n<h1>Audit</h1>\n<p class=\"verdict ",
      state_class(verdict), "\">", escape_html(headline(verdict)), "</p>\n", audit_heat_map(audit),
      how_to_read_audit(), audit_curves(audit), sentences(audit), audit_white_box(audit),
      audit_models(audit), left_out(audit), all_settings(audit), "</body></html>\n");
}

}  // namespace unlearn::report
