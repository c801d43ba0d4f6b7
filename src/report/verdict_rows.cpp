#include "report/verdict_parts.h"
#include "unlearn/core/strings.h"
#include "unlearn/report/table.h"

namespace unlearn::report {
namespace {

std::string text_cell(const Json& value) {
  return cat("<td class=\"text\">", escape_html(shown_text(value)), "</td>");
}

std::string number_cells(const Json& before, const Json& after, int places) {
  return cat("<td class=\"number\">", shown_number(before, places), "</td><td class=\"number\">",
             shown_number(after, places), "</td>");
}

std::string yes_no(const Json& value) {
  if (!value.is_boolean()) return "not measured";
  return value.get<bool>() ? "<span class=\"bad-mark\">yes</span>"
                           : "<span class=\"good-mark\">no</span>";
}

std::string leak_list(const Json& leaks) {
  std::vector<std::string> names;
  if (!leaks.is_array()) return "";
  for (const Json& leak : leaks) {
    names.push_back(cat(shown_text(at_path(leak, {"piece"})), " (",
                        shown_text(at_path(leak, {"of_set"})), " row ",
                        shown_text(at_path(leak, {"of_row"})), ")"));
  }
  return join(names, "; ");
}

std::string piece_list(const Json& pieces) {
  std::vector<std::string> names;
  if (!pieces.is_array()) return "";
  for (const Json& piece : pieces) names.push_back(shown_text(piece));
  return join(names, "; ");
}

std::string marked_cell(const std::string& text) {
  return cat("<td class=\"text bad-mark\">", escape_html(text), "</td>");
}

std::string forget_row(const Json& row) {
  return cat("<tr><td>", escape_html(shown_text(at_path(row, {"row"}))), "</td>",
             text_cell(at_path(row, {"question"})), text_cell(at_path(row, {"answer"})),
             text_cell(at_path(row, {"output_before"})), text_cell(at_path(row, {"output_after"})),
             "<td>", yes_no(at_path(row, {"extracted_before"})), "</td><td>",
             yes_no(at_path(row, {"extracted_after"})), "</td>",
             marked_cell(piece_list(at_path(row, {"pieces"}))),
             marked_cell(leak_list(at_path(row, {"leaks"}))),
             number_cells(at_path(row, {"preference_before", "auc"}),
                          at_path(row, {"preference_after", "auc"}), 2),
             number_cells(at_path(row, {"logprob_before"}), at_path(row, {"logprob_after"}), 2),
             "</tr>\n");
}

std::string asked_otherwise(const Json& row) {
  const Json others = at_path(row, {"other_prompts"});
  if (!others.is_array() || others.empty()) return "";
  std::string text = cat("<details><summary>row ", escape_html(shown_text(at_path(row, {"row"}))),
                         ": ", escape_html(shown_text(at_path(row, {"question"}))),
                         "</summary>\n<div class=\"scroll\"><table>\n<thead><tr><th>rule</th>"
                         "<th>asked</th><th>given of the answer</th><th>output</th>"
                         "<th>extracted</th><th>pieces</th><th>other rows' data</th></tr></thead>\n"
                         "<tbody>\n");
  for (const Json& other : others) {
    text +=
        cat("<tr><td>", escape_html(shown_text(at_path(other, {"rule"}))), "</td>",
            text_cell(at_path(other, {"prompt"})), text_cell(at_path(other, {"given"})),
            text_cell(at_path(other, {"output"})), "<td>", yes_no(at_path(other, {"extracted"})),
            "</td>", marked_cell(piece_list(at_path(other, {"pieces"}))),
            marked_cell(leak_list(at_path(other, {"leaks"}))), "</tr>\n");
  }
  return text + "</tbody></table></div></details>\n";
}

std::string key_table(const Json& object, const std::string& name) {
  if (!object.is_object() || object.empty()) return "";
  Table table;
  table.columns = {name, "value"};
  for (const auto& [key, value] : object.items()) table.rows.push_back({key, shown_text(value)});
  return "<div class=\"scroll\">" + to_html(table) + "</div>\n";
}

}  // namespace

std::string verdict_rows(const Json& verdict) {
  std::string text =
      "<h2>Row by row</h2>\n<p class=\"note\">The table scrolls to the right: what was asked, the "
      "true answer, what the model said before and after, what of the row reappears, and how "
      "likely "
      "the true answer is.</p>\n<div class=\"scroll\"><table>\n<thead><tr><th>row</th>"
      "<th>question</th><th>true answer</th><th>output before</th><th>output after</th>"
      "<th>extracted before</th><th>extracted after</th><th>what reappears</th>"
      "<th>other rows' data</th><th>preference before</th><th>preference after</th>"
      "<th>log-probability before</th><th>log-probability after</th></tr></thead>\n<tbody>\n";
  for (const Json& row : verdict.at("rows")) text += forget_row(row);
  return text + "</tbody></table></div>\n";
}

std::string verdict_prompts(const Json& verdict) {
  std::string text;
  for (const Json& row : verdict.at("rows")) text += asked_otherwise(row);
  return text.empty() ? "" : "<h2>Asked in other words</h2>\n" + text;
}

std::string verdict_origin(const Json& verdict) {
  Table table;
  table.columns = {"origin", "value"};
  for (const char* key : {"template", "date", "machine", "program"}) {
    const std::string value = shown_text(at_path(verdict, {key}));
    if (!value.empty()) table.rows.push_back({key, value});
  }
  std::string text = "<h2>Where this comes from</h2>\n";
  if (!table.rows.empty()) text += "<div class=\"scroll\">" + to_html(table) + "</div>\n";
  text += key_table(at_path(verdict, {"sha256"}), "SHA-256 of");
  const std::string settings = key_table(at_path(verdict, {"settings"}), "setting");
  return settings.empty()
             ? text
             : text + "<details><summary>Settings</summary>\n" + settings + "</details>\n";
}

}  // namespace unlearn::report
