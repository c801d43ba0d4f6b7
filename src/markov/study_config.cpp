#include "unlearn/markov/study_config.h"

#include <algorithm>
#include <set>

#include "unlearn/core/error.h"

namespace unlearn::markov {
namespace {

constexpr const char* kOrigin = "the experiment's defaults";

config::Settings published_values(Experiment experiment) {
  const bool is_length = experiment == Experiment::kLength;
  config::Settings settings;
  settings.set("experiment", config::name_in(kExperiments, experiment), kOrigin);
  settings.set("data.forget2_length", is_length ? 5 : 20, kOrigin);
  settings.set("pretrain.forget2", is_length, kOrigin);
  return settings;
}

bool has_field(losses::Loss& loss, const std::string& name) {
  config::FieldDescriber describer;
  loss.visit(describer);
  return std::any_of(describer.docs().begin(), describer.docs().end(),
                     [&](const config::FieldDoc& doc) { return doc.name == name; });
}

// Below what the user says about a method. A loss's own default may pair with retain data (TOFU's
// do); here there is none.
void add_method_values(config::Settings& settings, Experiment experiment, const std::string& name) {
  if (has_field(*losses::find_method(name).make(), "retain_loss")) {
    settings.set(cat("method.", name, ".retain_loss"), "none", kOrigin);
  }
  if (name == "npo") {
    settings.set("method.npo.beta", experiment == Experiment::kLength ? 0.2 : 1.0, kOrigin);
  }
  if (name == "simnpo") settings.set("method.simnpo.beta", 4.0, kOrigin);
}

void check(const StudyConfig& config) {
  const auto longest = std::max_element(config.corpus.lengths.begin(), config.corpus.lengths.end());
  if (config.decoder.positions < *longest - 1) {
    user_error("model.positions: must be at least ", *longest - 1,
               ", the transitions of the longest sequences, not ", config.decoder.positions);
  }
  if (config.decoder.arch == Architecture::kGpt2 &&
      config.decoder.width % config.decoder.heads != 0) {
    user_error("model.heads: ", config.decoder.heads, " do not divide model.width ",
               config.decoder.width);
  }
  if (config.methods.empty()) user_error("unlearn.methods: name at least one method");
  const std::set<std::string> distinct(config.methods.begin(), config.methods.end());
  if (distinct.size() < config.methods.size()) {
    user_error("unlearn.methods: the same method twice in ", join(config.methods, ", "));
  }
}

// A method on forget sequences alone, as the paper runs it.
std::unique_ptr<losses::Loss> make_loss(const std::string& name, config::SettingsReader& reader) {
  auto loss = losses::find_method(name).make();
  reader.read("method." + name, *loss);
  loss->check();
  const losses::Needs needs = loss->needs();
  if (!needs.forget || needs.retain || needs.alternate || needs.batch_statistics) {
    user_error(
        "unlearn.methods: '", name, "' needs more than forget sequences",
        has_field(*loss, "retain_loss") ? cat("; set method.", name, ".retain_loss=none") : "");
  }
  return loss;
}

}  // namespace

void StudyConfig::visit(config::FieldVisitor& visitor) {
  visitor.field("experiment", experiment, kExperiments, {.help = "which of the two experiments"});
  visitor.field(
      "data.leakage", corpus.leakage,
      {.help = "probability of leaving home", .min = 0, .max = 0.9, .exclusive_min = true});
  const char* const names[] = {"retain", "forget1", "forget2"};
  for (size_t i = 0; i < kNumSources; ++i) {
    visitor.field(cat("data.", names[i], "_sequences"), corpus.counts[i],
                  {.help = "sequences, 80 % of them for training", .min = 5, .max = 1e7});
    visitor.field(cat("data.", names[i], "_length"), corpus.lengths[i],
                  {.help = "states of a sequence", .min = 2, .max = 4096});
  }
  visitor.field(
      "model.arch", decoder.arch, kArchitectures,
      {.help = "us-synthetic: the released code's decoder; gpt2: the one that the paper's "
               "text describes"});
  visitor.field("model.heads", decoder.heads,
                {.help = "attention heads (gpt2)", .min = 1, .max = 1024});
  visitor.field("model.width", decoder.width, {.help = "hidden size", .min = 1, .max = 8192});
  visitor.field("model.blocks", decoder.blocks, {.help = "blocks", .min = 1, .max = 128});
  visitor.field("model.positions", decoder.positions,
                {.help = "learned positions", .min = 1, .max = 4096});
  visitor.field("pretrain.forget2", pretrain_forget2,
                {.help = "train the original model on Forget2 too"});
  visitor.field("pretrain.epochs", pretrain.epochs, {.help = "epochs", .min = 1, .max = 1e6});
  visitor.field("pretrain.batch_size", pretrain.batch_size,
                {.help = "sequences of a step", .min = 1, .max = 1e7});
  visitor.field("pretrain.lr", pretrain.lr,
                {.help = "learning rate", .min = 0, .exclusive_min = true});
  visitor.field("unlearn.methods", methods, {.help = "methods, each from the same original model"});
  visitor.field("unlearn.iterations", unlearn.iterations,
                {.help = "unlearning steps", .min = 1, .max = 1e6});
  visitor.field("unlearn.batch_size", unlearn.batch_size,
                {.help = "forget sequences of a step", .min = 1, .max = 1e6});
  visitor.field("unlearn.lr", unlearn.lr,
                {.help = "learning rate", .min = 0, .exclusive_min = true});
}

Study resolve_study(Experiment experiment, const config::Settings& user) {
  config::Settings settings = published_values(experiment);
  settings.overlay(user);
  settings.set("experiment", config::name_in(kExperiments, experiment), "--experiment");
  Study study;
  config::SettingsReader reader(settings);
  reader.read("", study.config);
  for (std::string& name : study.config.methods) {
    name = losses::find_method(name).info.name;
    add_method_values(settings, experiment, name);
  }
  settings.overlay(user);
  check(study.config);
  config::FieldDumper dumper;
  study.config.visit(dumper);
  study.resolved = dumper.json();
  for (const std::string& name : study.config.methods) {
    study.losses.push_back(make_loss(name, reader));
    config::FieldDumper fields;
    study.losses.back()->visit(fields);
    study.resolved["method"][name] = fields.json();
  }
  reader.refuse_unknown();
  return study;
}

}  // namespace unlearn::markov
