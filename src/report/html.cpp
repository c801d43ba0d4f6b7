#include "report/html.h"

#include "report/assets.h"
#include "unlearn/core/strings.h"
#include "unlearn/jinja/template.h"

namespace unlearn::report {
namespace {

constexpr const char* kMacros = "macros.html";

Json escaped(const Json& value) {
  if (value.is_string()) return escape_html(value.get<std::string>());
  if (!value.is_structured()) return value;
  Json result = value.is_array() ? Json::array() : Json::object();
  for (const auto& [key, item] : value.items()) {
    if (value.is_array()) {
      result.push_back(escaped(item));
    } else {
      result[key] = escaped(item);
    }
  }
  return result;
}

std::string render(const std::string& name, const Json& values) {
  return jinja::Template(cat(asset(kMacros), asset(name)), name).render(values);
}

// Drawings as they are; their captions are escaped. `charts` gets what scripts draw.
Json figures_json(const PageParts& parts, Json& charts) {
  Json result = Json::object();
  for (const auto& [place, figures] : parts.figures) {
    Json& list = result[place] = Json::array();
    for (const Figure& figure : figures) {
      const bool is_drawn = !figure.chart.is_null() && !asset("chart.js").empty();
      const Json number = is_drawn ? Json(charts.size()) : Json();
      list.push_back(
          {{"svg", figure.svg}, {"caption", escape_html(figure.caption)}, {"chart", number}});
      if (is_drawn) charts.push_back(figure.chart);
    }
  }
  return result;
}

}  // namespace

std::string escape_html(const std::string& text) {
  std::string escaped;
  for (const char letter : text) {
    switch (letter) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += letter;
    }
  }
  return escaped;
}

std::string script_json(const Json& value) {
  std::string text;
  for (const char letter : value.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    text += letter == '<' ? std::string("\\u003c") : std::string(1, letter);
  }
  return text;
}

Json HtmlTable::json() const {
  Json headings = Json::array(), groups = Json::array(), lines = Json::array();
  bool has_groups = false;
  for (const Column& column : columns) {
    headings.push_back({{"label", column.label},
                        {"title", column.title},
                        {"group", column.group},
                        {"css", column.is_number ? "number" : ""}});
    has_groups |= !column.group.empty();
    if (groups.empty() || groups.back().at("label") != column.group) {
      groups.push_back({{"label", column.group}, {"span", 0}});
    }
    groups.back()["span"] = groups.back()["span"].get<int64_t>() + 1;
  }
  for (const HtmlRow& row : rows) {
    Json cells = Json::array();
    for (const Cell& cell : row.cells) {
      cells.push_back({{"text", cell.text},
                       {"css", cell.css},
                       {"small", cell.small},
                       {"sort", cell.sort},
                       {"title", cell.title},
                       {"mark", cell.mark},
                       {"mark_css", cell.mark_css}});
    }
    lines.push_back({{"cells", std::move(cells)}, {"css", row.css}});
  }
  return {{"name", name},
          {"columns", std::move(headings)},
          {"groups", has_groups ? std::move(groups) : Json::array()},
          {"rows", std::move(lines)},
          {"left_out", left_out}};
}

HtmlTable key_table(const std::string& name,
                    const std::vector<std::pair<std::string, std::string>>& values) {
  HtmlTable table{.columns = {{name}, {"value"}}};
  for (const auto& [key, value] : values) table.rows.push_back({{{key}, {value, "text"}}});
  return table;
}

std::string page_html(const PageParts& parts) {
  Json charts = Json::array();
  Json values = escaped(parts.values);
  values["figures"] = figures_json(parts, charts);
  values["state"] = parts.state;
  values["sentence"] = escape_html(parts.sentence);
  values["title"] = escape_html(parts.title);
  const std::string body = render(parts.name, values);
  return render("layout.html",
                {{"title", escape_html(parts.title)},
                 {"style", std::string(asset("page.css"))},
                 {"script", std::string(asset("page.js"))},
                 {"body", body},
                 {"charts", charts.empty() ? "" : script_json(charts)},
                 {"chart_library", std::string(asset("chart.js"))},
                 {"chart_licence", escape_html(std::string(asset("chart-licence.txt")))}});
}

}  // namespace unlearn::report
