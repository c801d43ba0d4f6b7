// unlearn list: what is built in.
#include <algorithm>
#include <iomanip>
#include <iostream>

#include "cli/help.h"
#include "commands/commands.h"
#include "commands/shared_flags.h"
#include "unlearn/core/json.h"
#include "unlearn/core/strings.h"
#include "unlearn/run/catalogue.h"

namespace unlearn::commands {
namespace {

void print_field(const Json& field, int width) {
  const auto text = [&](const char* key) { return field.at(key).get<std::string>(); };
  std::cout << std::left << std::setw(width) << text("name") << " " << std::setw(10)
            << text("default") << " " << text("help")
            << (text("range").empty() ? "" : cat(" [", text("range"), "]")) << "\n";
}

// "    also: a, b" for what an entry has of this kind.
void print_names(const Json& entry, const char* key, const char* title) {
  if (!entry.contains(key) || entry[key].empty()) return;
  std::vector<std::string> names;
  for (const Json& item : entry[key]) names.push_back(item.is_object() ? item["name"] : item);
  std::cout << "    " << title << ": " << join(names, ", ") << "\n";
}

void print_entries(const Json& entries) {
  size_t longest = 0;  // of the parameters' names
  for (const Json& entry : entries) {
    for (const Json& field : entry.value("parameters", Json::array())) {
      longest = std::max(longest, field.at("name").get<std::string>().size());
    }
  }
  const int width = std::max(18, static_cast<int>(longest));
  for (const Json& entry : entries) {
    if (entry.contains("range")) {
      print_field(entry, 28);
      continue;
    }
    constexpr size_t kNameWidth = 24;
    std::cout << std::left << std::setw(kNameWidth) << entry["name"].get<std::string>()
              << cli::wrapped(entry["help"].get<std::string>(), kNameWidth, kNameWidth,
                              cli::output_width())
              << "\n";
    print_names(entry, "aliases", "also");
    print_names(entry, "compat", "train.compat");
    print_names(entry, "model_types", "model_type");
    print_names(entry, "reported_as", "in reports");
    print_names(entry, "needs", "needs");
    for (const char* key : {"template", "command"}) {
      if (entry.contains(key)) {
        std::cout << "    " << key << ": " << entry[key].get<std::string>() << "\n";
      }
    }
    for (const Json& field : entry.value("parameters", Json::array())) {
      std::cout << "    ";
      print_field(field, width);
    }
  }
}

}  // namespace

int run_list(std::vector<std::string> arguments) {
  SharedFlags flags;
  std::string what, name;
  bool as_json = false;
  const std::vector<std::string> lists = run::catalogue_names();
  cli::Flags app("what is built in", "list", "unlearn list settings train");
  app.add_option("what", what, join(lists, ", ")).required().one_of_words(lists);
  app.add_option("name", name, "one of them alone; of settings, a section such as train.lora");
  app.add_flag("--json", as_json, "as JSON");
  add_log_flags(app, flags);
  if (!parse(app, std::move(arguments), flags)) return 0;

  const Json entries = run::find_entries(run::find_catalogue(what), name);
  if (as_json) {
    std::cout << entries.dump(2) << "\n";
  } else {
    print_entries(entries);
  }
  return 0;
}

}  // namespace unlearn::commands
