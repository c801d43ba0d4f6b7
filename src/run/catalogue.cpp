// What is built in, described by the registries themselves.
#include "unlearn/run/catalogue.h"

#include <cstdlib>

#include "run/audit/settings.h"
#include "unlearn/attacks/attack.h"
#include "unlearn/benchmarks/benchmark.h"
#include "unlearn/core/files.h"
#include "unlearn/core/strings.h"
#include "unlearn/data/template.h"
#include "unlearn/losses/compat.h"
#include "unlearn/losses/loss.h"
#include "unlearn/metrics/registry.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/run/run_config.h"
#include "unlearn/train/optimizer.h"
#include "unlearn/train/update_rule.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

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

Json list_attacks() {
  Json entries = Json::array();
  for (const attacks::RegisteredAttack& attack : attacks::registered_attacks()) {
    entries.push_back(
        {{"name", attack.name},
         {"help", attack.help},
         {"family", attack.family},
         {"source", attack.source},
         {"parameters", describe_fields(*attack.make(), cat("audit.", attack.name, "."))}});
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
  AuditSettings audit;
  Json entries = Json::array();
  for (const Json& part : {describe_fields(model, "model."), describe_fields(data, "data."),
                           describe_fields(train, "train."), describe_fields(eval, "eval."),
                           describe_fields(audit, "audit.")}) {
    entries.insert(entries.end(), part.begin(), part.end());
  }
  return entries;
}

}  // namespace

const std::vector<Catalogue>& catalogues() {
  static const std::vector<Catalogue> kCatalogues = {
      {"methods", list_methods},  {"optimizers", list_optimizers}, {"updates", list_updates},
      {"models", list_models},    {"benchmarks", list_benchmarks}, {"metrics", list_metrics},
      {"attacks", list_attacks},  {"templates", list_templates},   {"configs", list_configs},
      {"settings", list_settings}};
  return kCatalogues;
}

std::vector<fs::path> config_folders() {
  std::vector<fs::path> folders;
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  if (!program.empty()) {
    folders.push_back(program.parent_path().parent_path() / "share/unlearn/configs");
    folders.push_back(program.parent_path().parent_path() /
                      "configs");  // build/unlearn in the tree
  }
  return folders;
}

std::string find_bundled(const std::string& path) {
  std::error_code ignored;
  if (!path.starts_with("data/") || fs::exists(path, ignored)) return path;
  for (const fs::path& configs : config_folders()) {
    const fs::path bundled = configs.parent_path() / path;
    if (fs::exists(bundled, ignored)) return bundled.string();
  }
  return path;
}

}  // namespace unlearn::run
