// Pages from templates (src/report/templates/): values are escaped here, once and all of them.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "unlearn/core/json.h"

namespace unlearn::report {

// Text for HTML content and quoted attributes.
std::string escape_html(const std::string& text);

// JSON that ends no <script> element.
std::string script_json(const Json& value);

// One table cell.
struct Cell {
  std::string text;
  std::string css = "";    // classes of the stylesheet
  std::string small = "";  // a second line
  std::string sort = "";   // what is sorted by instead of the text
  std::string title = "";  // shown on hovering
  std::string mark = "";   // a sign behind the text: ▲, ▼, ★
  std::string mark_css = "";
};

struct Column {
  std::string label;
  std::string title = "";
  std::string group = "";  // neighbours of one group have a common heading
  bool is_number = false;
};

struct HtmlRow {
  std::vector<Cell> cells;
  std::string css = "";  // "ref": stays on top when the table is sorted
};

// The first column stays in view when the table is scrolled.
struct HtmlTable {
  std::string name = "";  // for the field that filters it; "": none
  std::vector<Column> columns;
  std::vector<HtmlRow> rows = {};
  std::string left_out = "";  // what is not in it, and where it is

  Json json() const;
};
// Two columns of names and values.
HtmlTable key_table(const std::string& name,
                    const std::vector<std::pair<std::string, std::string>>& values);

// A figure of the page above.
struct Tile {
  std::string label, value, note = "", state = "open";  // good | bad | open

  Json json() const {
    return {{"label", label}, {"value", value}, {"note", note}, {"state", state}};
  }
};

// A drawing that is there without scripts, and what the chart library draws in its place (null:
// nothing). Charts are scatter plots or lines; see templates/page.js.
struct Figure {
  std::string svg = "";
  Json chart = nullptr;
  std::string caption = "";
};

struct PageParts {
  std::string name;      // of the template of its body: "comparison.html"
  std::string title;     // of the window and above the page
  std::string state;     // of the sentence: good | bad | open
  std::string sentence;  // what the page says, first of all
  Json values = Json::object();
  std::map<std::string, std::vector<Figure>> figures = {};
};

// The whole document: one file, no outside references, and a policy that forbids them.
std::string page_html(const PageParts& parts);

}  // namespace unlearn::report
