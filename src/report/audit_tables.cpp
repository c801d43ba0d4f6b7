// The heat map of an audit, and its models as they are.
#include <algorithm>
#include <cmath>
#include <map>

#include "report/audit_parts.h"
#include "report/verdict_parts.h"
#include "unlearn/core/strings.h"
#include "unlearn/report/table.h"

namespace unlearn::report {
namespace {

std::string share_text(const Json& share) {
  return share.is_number() ? cat(std::lround(100 * share.get<double>()), " %") : "–";
}

// From green (nothing came back) over yellow to red; no colour where there is no share.
std::string share_colour(const Json& share) {
  if (!share.is_number()) return "";
  const double part = std::clamp(share.get<double>(), 0.0, 1.0);
  return cat(" style=\"background:hsl(", std::lround(120 * (1 - part)), " 60% 50% / .45)\"");
}

std::string heat_cell(const Json* entry) {
  if (entry == nullptr) return "<td></td>";
  const Json share = at_path(*entry, {"recovered", "value"});
  const Json excess = at_path(*entry, {"excess", "value"});
  return cat("<td class=\"share\"", share_colour(share), ">", share_text(share), " <small>",
             escape_html(shown_text(at_path(*entry, {"verdict"}))), "<br>",
             shown_number(at_path(*entry, {"before", "U"}), 3), " → ",
             shown_number(at_path(*entry, {"after", "U"}), 3),
             excess.is_number() ? "<br>excess " + share_text(excess) : "", "</small></td>");
}

}  // namespace

std::string audit_heat_map(const Json& audit) {
  std::vector<std::string> attacks, metrics;
  std::map<std::pair<std::string, std::string>, const Json*> cells;
  const auto note = [](std::vector<std::string>& names, const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const Json& entry : audit.at("attacks")) {
    const std::string id = shown_text(at_path(entry, {"id"}));
    const std::string metric = shown_text(at_path(entry, {"metric", "name"}));
    note(attacks, id);
    note(metrics, metric);
    cells[{id, metric}] = &entry;
  }
  if (attacks.empty()) return "<p>No attack was made.</p>\n";
  std::string text = "<h2>What came back</h2>\n<div class=\"scroll\"><table><tr><th>attack</th>";
  for (const std::string& metric : metrics) text += cat("<th>", escape_html(metric), "</th>");
  text += "</tr>\n";
  for (const std::string& attack : attacks) {
    text += cat("<tr><td>", escape_html(attack), "</td>");
    for (const std::string& metric : metrics) {
      const auto cell = cells.find({attack, metric});
      text += heat_cell(cell == cells.end() ? nullptr : cell->second);
    }
    text += "</tr>\n";
  }
  return text + "</table></div>\n";
}

std::string audit_models(const Json& audit) {
  const Json baselines = at_path(audit, {"baselines"});
  if (!baselines.is_object() || baselines.empty()) return "";
  Table table;
  table.columns = {"measure"};
  std::vector<std::string> measures;
  for (const auto& [model, baseline] : baselines.items()) {
    const Json name = at_path(audit, {"models", model});
    table.columns.push_back(name.is_string() ? cat(model, " (", shown_text(name), ")") : model);
    const Json values = at_path(baseline, {"metrics"});
    for (const auto& [measure, value] : values.items()) {
      if (std::find(measures.begin(), measures.end(), measure) == measures.end()) {
        measures.push_back(measure);
      }
    }
  }
  for (const std::string& measure : measures) {
    auto& row = table.rows.emplace_back(std::vector{measure});
    for (const auto& [model, baseline] : baselines.items()) {
      row.push_back(shown_number(at_path(baseline, {"metrics", measure}), 3));
    }
  }
  std::string text =
      "<h2>The models as they are</h2>\n<div class=\"scroll\">" + to_html(table) + "</div>\n";
  const Json over = at_path(audit, {"over_unlearned", "sentence"});
  if (over.is_string()) text += cat("<p>", escape_html(shown_text(over)), "</p>\n");
  const Json privacy = at_path(audit, {"privacy"});
  for (size_t i = 0; privacy.is_array() && i < privacy.size(); ++i) {
    const Json sentence = at_path(privacy[i], {"sentence"});
    if (!sentence.is_string()) continue;
    text += cat("<p class=\"bad-mark\">", escape_html(shown_text(at_path(privacy[i], {"name"}))),
                ": ", escape_html(sentence.get<std::string>()), "</p>\n");
  }
  return text;
}

std::string audit_white_box(const Json& audit) {
  const Json found = at_path(audit, {"white_box"});
  if (!found.is_object()) return "";
  Table table;
  table.columns = {"block", "retain model", "unlearned model", "retain model (lens)",
                   "unlearned model (lens)"};
  for (const Json& layer : at_path(found, {"falls"})) {
    table.rows.push_back({shown_text(at_path(layer, {"layer"})),
                          shown_number(at_path(layer, {"patched", "R"}), 3),
                          shown_number(at_path(layer, {"patched", "U"}), 3),
                          shown_number(at_path(layer, {"lens", "R"}), 3),
                          shown_number(at_path(layer, {"lens", "U"}), 3)});
  }
  return cat("<h2>Block by block</h2>\n<p>", escape_html(shown_text(at_path(found, {"sentence"}))),
             ".</p>\n<p>How far the log-probability of what is to be forgotten falls when a block "
             "of the original puts out what another model's does, and when that is read directly "
             "by the original's last layer (lens). A fall as the retain model's is erasure; none "
             "is knowledge that is still there.</p>\n<div class=\"scroll\">",
             to_html(table), "</div>\n");
}

}  // namespace unlearn::report
