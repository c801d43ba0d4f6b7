// unlearn list: what is built in.
#include "commands/list.h"

#include <iomanip>
#include <iostream>

#include "commands/help.h"
#include "commands/run_config.h"
#include "unlearn/benchmarks/benchmark.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/losses/compat.h"
#include "unlearn/metrics/registry.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/train/optimizer.h"
#include "unlearn/train/update_rule.h"

namespace unlearn::commands {
namespace {

namespace fs = std::filesystem;

template <class Section>
Json describe_fields(Section& section, const std::string& prefix = "") {
  config::FieldDescriber describer;
  section.visit(describer);
  Json fields = Json::array();
  for (const config::FieldDoc& doc : describer.docs()) {
    fields.push_back({{"name", prefix + doc.name},
                      {"type", doc.type},
                      {"default", doc.default_value},
                      {"range", doc.range},
                      {"help", doc.help}});
  }
  return fields;
}

// The method's own settings of each benchmark that it has some for.
Json describe_defaults(const losses::Method& method) {
  Json result = Json::object();
  for (const benchmarks::Benchmark& benchmark : benchmarks::registered_benchmarks()) {
    for (const std::string& split : benchmark.info.splits) {
      Json values = Json::object();
      for (const auto& [key, value] : method.defaults_for(benchmark.info.name, split)) {
        values[key] = value;
      }
      if (!values.empty()) result[cat(benchmark.info.name, " ", split)] = std::move(values);
    }
  }
  return result;
}

Json list_methods() {
  Json entries = Json::array();
  for (const losses::Method& method : losses::methods()) {
    Json aliases = Json::array();
    for (const losses::Alias& alias : method.info.aliases) aliases.push_back(alias.name);
    const auto loss = method.make();
    Json quirks = Json::array();
    for (const auto& known : {loss->quirks(), losses::run_quirks()}) {
      for (const losses::Quirk& quirk : known) {
        quirks.push_back({{"name", quirk.name}, {"help", quirk.help}});
      }
    }
    entries.push_back({{"name", method.info.name},
                       {"help", method.info.help},
                       {"aliases", aliases},
                       {"parameters", describe_fields(*loss)},
                       {"defaults", describe_defaults(method)},
                       {"compat", quirks}});
  }
  for (const losses::OtherMethod& other : losses::other_methods()) {
    entries.push_back({{"name", other.name},
                       {"help", other.help},
                       {"aliases", other.aliases},
                       {"command", other.command}});
  }
  return entries;
}

// Optimizers or update rules, with their own settings.
template <class Thing>
Json list_registered(const std::vector<train::Registered<Thing>>& registry,
                     const std::string& prefix) {
  Json entries = Json::array();
  for (const auto& entry : registry) {
    entries.push_back({{"name", entry.name},
                       {"help", entry.help},
                       {"parameters", describe_fields(*entry.make(), prefix)}});
  }
  return entries;
}

Json list_optimizers() { return list_registered(train::optimizers(), "train."); }

Json list_updates() { return list_registered(train::updates(), "train.update."); }

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
    entries.push_back({{"name", benchmark.info.name}, {"help", benchmark.info.help}});
  }
  return entries;
}

// All metrics: those of metrics.def, and what the benchmarks' evaluations add.
Json list_metrics() {
  std::vector<metrics::Metric> all = metrics::registered_metrics();
  for (const benchmarks::Benchmark& benchmark : benchmarks::registered_benchmarks()) {
    if (benchmark.offer == nullptr) continue;
    for (const metrics::Metric& own : benchmark.offer({}).own) {
      if (metrics::find_metric(own.name) == nullptr) all.push_back(own);
    }
  }
  Json entries = Json::array();
  for (const auto& metric : all) {
    Json needs = Json::array();
    for (const metrics::Need need : metric.needs) needs.push_back(metrics::need_name(need));
    entries.push_back({{"name", metric.name},
                       {"help", metric.help},
                       {"reported_as", metric.keys},
                       {"needs", needs}});
  }
  return entries;
}

Json list_templates() {
  Json entries = Json::array();
  for (const std::string& name : data::template_names()) {
    const data::Template tmpl = data::named_template(name);
    const std::string text = tmpl.question_start + "{question}" + tmpl.question_end +
                             tmpl.answer_tag + "{answer}" + tmpl.answer_end;
    entries.push_back({{"name", name}, {"help", Json(text).dump()}});
  }
  return entries;
}

// The first sentence of a config's leading comment; indented lines in it are commands.
std::string first_sentence(const std::string& content) {
  std::string text;
  for (const std::string& line : split(content, '\n')) {
    if (!line.starts_with("# ") || line.starts_with("#  ")) break;
    text += (text.empty() ? "" : " ") + std::string(trim(line.substr(2)));
  }
  if (const size_t end = text.find(". "); end != std::string::npos) text.resize(end + 1);
  if (text.ends_with(':')) text.back() = '.';
  return text;
}

// The files that `--config NAME` finds, each with the first sentence of its comment; of equal names
// the first counts.
Json list_configs() {
  std::vector<fs::path> folders = config_folders();
  if (const char* own = std::getenv("UNLEARN_CONFIG_DIR"); own != nullptr && *own != '\0') {
    folders.insert(folders.begin(), own);
  }
  std::map<std::string, Json> found;
  for (const fs::path& folder : folders) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      if (entry.path().extension() != ".yaml") continue;
      const std::string help = first_sentence(read_file(entry.path()));
      const std::string name = entry.path().stem().string();
      found.try_emplace(name,
                        Json{{"name", name}, {"help", help}, {"file", entry.path().string()}});
    }
  }
  Json entries = Json::array();
  for (const auto& [name, entry] : found) entries.push_back(entry);
  return entries;
}

Json list_settings() {
  ModelConfig model;
  benchmarks::DataSection data;
  train::TrainConfig train;
  eval::EvalConfig eval;
  Json entries = Json::array();
  for (const Json& part : {describe_fields(model, "model."), describe_fields(data, "data."),
                           describe_fields(train, "train."), describe_fields(eval, "eval.")}) {
    entries.insert(entries.end(), part.begin(), part.end());
  }
  return entries;
}

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
              << wrapped(entry["help"].get<std::string>(), kNameWidth, kNameWidth, output_width())
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

struct List {
  const char* name;
  Json (*make)();
};
constexpr List kLists[] = {
    {"methods", list_methods},     {"optimizers", list_optimizers}, {"updates", list_updates},
    {"models", list_models},       {"benchmarks", list_benchmarks}, {"metrics", list_metrics},
    {"templates", list_templates}, {"configs", list_configs},       {"settings", list_settings}};

const List& find_list(const std::string& wanted) {
  for (const List& list : kLists) {
    if (wanted == list.name) return list;
  }
  user_error("list: unknown list '", wanted, "'", did_you_mean(wanted, list_names()), "; use ",
             join(list_names(), ", "));
}

std::vector<std::string> spellings(const Json& entry) {
  std::vector<std::string> names = {entry["name"]};
  for (const char* key : {"aliases", "model_types"}) {
    for (const Json& name : entry.value(key, Json::array())) names.push_back(name);
  }
  return names;
}

// Whether an entry is the one asked for, or a setting in the section asked for. Case, "-" and "_"
// do not matter, as with --method.
bool is_asked_for(const Json& entry, const std::string& wanted) {
  const auto plain = [](std::string name) {
    std::replace(name.begin(), name.end(), '-', '_');
    return to_lower(name);
  };
  const std::vector<std::string> names = spellings(entry);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return plain(name) == plain(wanted) ||
           (entry.contains("range") && plain(name).starts_with(plain(wanted) + "."));
  });
}

// The entries of one name or section; UserError for one that is not there.
Json chosen(const List& list, const std::string& wanted) {
  Json entries = Json::array();
  std::vector<std::string> known;
  for (const Json& entry : list.make()) {
    if (wanted.empty() || is_asked_for(entry, wanted)) entries.push_back(entry);
    for (std::string& name : spellings(entry)) {
      // A setting can be found by each section that it lies in.
      for (size_t dot = name.find('.'); entry.contains("range") && dot != std::string::npos;
           dot = name.find('.', dot + 1)) {
        known.push_back(name.substr(0, dot));
      }
      known.push_back(std::move(name));
    }
  }
  if (entries.empty()) {
    user_error("list ", list.name, ": there is no '", wanted, "'", did_you_mean(wanted, known),
               "; see unlearn list ", list.name);
  }
  return entries;
}

}  // namespace

std::vector<std::string> list_names() {
  std::vector<std::string> names;
  for (const List& list : kLists) names.emplace_back(list.name);
  return names;
}

std::vector<std::string> names_in_list(const std::string& list) {
  std::vector<std::string> names;
  for (const Json& entry : find_list(list).make()) {
    for (std::string& name : spellings(entry)) names.push_back(std::move(name));
  }
  return names;
}

std::vector<std::string> setting_names() { return names_in_list("settings"); }

int run_list(std::vector<std::string> arguments) {
  SharedFlags flags;
  std::string what, name;
  bool as_json = false;
  Flags app("what is built in", "list");
  app.add_option("what", what, join(list_names(), ", ")).required().one_of_words(list_names());
  app.add_option("name", name, "one of them alone; of settings, a section such as train.lora");
  app.add_flag("--json", as_json, "as JSON");
  add_log_flags(app, flags);
  if (!parse(app, std::move(arguments), flags)) return 0;

  const Json entries = chosen(find_list(what), name);
  if (as_json) {
    std::cout << entries.dump(2) << "\n";
  } else {
    print_entries(entries);
  }
  return 0;
}

}  // namespace unlearn::commands
