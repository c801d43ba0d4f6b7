// unlearn inspect: what a checkpoint folder holds.
#include "unlearn/run/inspect.h"

#include <algorithm>
#include <iostream>

#include "commands/commands.h"
#include "commands/shared_flags.h"
#include "unlearn/core/json.h"
#include "unlearn/core/strings.h"

namespace unlearn::commands {
namespace {

constexpr size_t kLabelWidth = 20;

std::string plain(const Json& value) {
  if (value.is_null()) return "none";
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::vector<std::string> parts;
  for (const Json& entry : value) parts.push_back(plain(entry));
  return parts.empty() ? "none" : join(parts, ", ");
}

void print_line(std::string label, const std::string& value) {
  std::replace(label.begin(), label.end(), '_', ' ');
  if (label.size() < kLabelWidth) label.resize(kLabelWidth, ' ');
  std::cout << label << " " << value << "\n";
}

// One line a fact, and one for each tensor, finding and entry of an object.
void print_text(const Json& facts) {
  for (const auto& [key, value] : facts.items()) {
    if (value.is_object()) {
      for (const auto& [name, entry] : value.items()) print_line(cat(key, " ", name), plain(entry));
    } else if (value.is_array() && value.size() > 1) {
      for (const Json& entry : value) print_line(key, plain(entry));
    } else {
      print_line(key, plain(value));
    }
  }
}

}  // namespace

int run_inspect(std::vector<std::string> arguments) {
  SharedFlags flags;
  std::string folder;
  bool as_json = false;
  cli::Flags app("what a checkpoint folder holds", "inspect", "unlearn inspect runs/simnpo/model");
  app.add_option("folder", folder, "Hugging Face model folder").required();
  app.add_flag("--json", as_json, "as JSON");
  add_log_flags(app, flags);
  if (!parse(app, std::move(arguments), flags)) return 0;

  const Json facts = run::describe_folder(folder);
  if (as_json) {
    std::cout << facts.dump(2) << "\n";
  } else {
    print_text(facts);
  }
  return 0;
}

}  // namespace unlearn::commands
