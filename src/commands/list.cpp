// unlearn list: what is built in.
#include <iomanip>
#include <iostream>

#include "commands/cli.h"
#include "unlearn/benchmarks/registry.h"
#include "unlearn/core/error.h"
#include "unlearn/losses/loss.h"
#include "unlearn/metrics/registry.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::commands {
namespace {

Json describe_fields(losses::Loss& loss) {
  config::FieldDescriber describer;
  loss.visit(describer);
  Json fields = Json::array();
  for (const config::FieldDoc& doc : describer.docs()) {
    fields.push_back({{"name", doc.name},
                      {"type", doc.type},
                      {"default", doc.default_value},
                      {"range", doc.range},
                      {"help", doc.help}});
  }
  return fields;
}

Json list_methods() {
  Json entries = Json::array();
  for (const losses::Method& method : losses::methods()) {
    Json aliases = Json::array();
    for (const losses::Alias& alias : method.info.aliases) aliases.push_back(alias.name);
    const auto loss = method.make();
    Json quirks = Json::array();
    for (const losses::Quirk& quirk : loss->quirks()) {
      quirks.push_back({{"name", quirk.name}, {"help", quirk.help}});
    }
    entries.push_back({{"name", method.info.name},
                       {"help", method.info.help},
                       {"aliases", aliases},
                       {"parameters", describe_fields(*loss)},
                       {"compat", quirks}});
  }
  return entries;
}

Json list_models() {
  Json entries = Json::array();
  for (const model::FamilyInfo& family : model::families()) {
    entries.push_back({{"name", family.name},
                       {"help", family.help},
                       {"model_types", family.model_types},
                       {"template", family.prompt_template}});
  }
  return entries;
}

Json list_benchmarks() {
  Json entries = Json::array();
  for (const auto& benchmark : benchmarks::registered_benchmarks()) {
    entries.push_back({{"name", benchmark.name}, {"help", benchmark.help}});
  }
  return entries;
}

Json list_metrics() {
  Json entries = Json::array();
  for (const auto& metric : metrics::registered_metrics()) {
    entries.push_back({{"name", metric.name}, {"help", metric.help}});
  }
  return entries;
}

void print_entries(const Json& entries) {
  for (const Json& entry : entries) {
    std::cout << std::left << std::setw(24) << entry["name"].get<std::string>()
              << entry["help"].get<std::string>() << "\n";
    if (entry.contains("aliases") && !entry["aliases"].empty()) {
      std::vector<std::string> names = entry["aliases"];
      std::cout << "    also: " << join(names, ", ") << "\n";
    }
    if (entry.contains("compat") && !entry["compat"].empty()) {
      std::vector<std::string> names;
      for (const Json& quirk : entry["compat"]) names.push_back(quirk["name"]);
      std::cout << "    train.compat: " << join(names, ", ") << "\n";
    }
    if (entry.contains("model_types")) {
      std::vector<std::string> types = entry["model_types"];
      std::cout << "    model_type: " << join(types, ", ")
                << "; template: " << entry["template"].get<std::string>() << "\n";
    }
    for (const Json& field : entry.value("parameters", Json::array())) {
      const auto range = field["range"].get<std::string>();
      std::cout << "    " << std::setw(18) << field["name"].get<std::string>() << std::setw(10)
                << field["default"].get<std::string>() << field["help"].get<std::string>()
                << (range.empty() ? "" : cat(" [", range, "]")) << "\n";
    }
  }
}

}  // namespace

int run_list(std::vector<std::string> arguments) {
  SharedFlags flags;
  std::string what;
  bool as_json = false;
  Flags app("what is built in", "list");
  app.add_option("what", what, "methods, models, benchmarks or metrics").required();
  app.add_flag("--json", as_json, "as JSON");
  add_log_flags(app, flags);
  if (!parse(app, std::move(arguments), flags)) return 0;

  const std::pair<const char*, Json (*)()> lists[] = {{"methods", list_methods},
                                                      {"models", list_models},
                                                      {"benchmarks", list_benchmarks},
                                                      {"metrics", list_metrics}};
  std::vector<std::string> names;
  for (const auto& [name, make] : lists) {
    if (what == name) {
      const Json entries = make();
      if (as_json) {
        std::cout << entries.dump(2) << "\n";
      } else {
        print_entries(entries);
      }
      return 0;
    }
    names.emplace_back(name);
  }
  user_error("list: unknown list '", what, "'", did_you_mean(what, names), "; use ",
             join(names, ", "));
}

}  // namespace unlearn::commands
