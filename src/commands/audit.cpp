// unlearn audit: attacks on a model that is said to have forgotten, and what they bring back.
#include "unlearn/run/audit.h"

#include <iostream>

#include "commands/commands.h"
#include "commands/shared_flags.h"
#include "unlearn/attacks/attack.h"
#include "unlearn/core/error.h"
#include "unlearn/core/json.h"
#include "unlearn/core/log.h"
#include "unlearn/core/strings.h"

namespace unlearn::commands {
namespace {

struct AuditFlags {
  std::string run, model, benchmark, original, retain, attacks;
  bool quick = false;
  std::optional<double> budget;
};

// The model that a run began with; "" when it is not there any more.
std::string start_of_run(const run::EvalTarget& target, const config::Settings& settings) {
  std::vector<std::string> candidates;
  const config::Setting* path = settings.find("model.path");
  if (path != nullptr && path->value.is_string()) {
    candidates.push_back(path->value.get<std::string>());
  }
  // A relative path is one from where the run was started; run.json knows it whole.
  const std::filesystem::path record = target.run_config.parent_path() / "run.json";
  if (std::filesystem::exists(record)) {
    candidates.push_back(read_json(record).value("model_folder", ""));
  }
  for (const std::string& folder : candidates) {
    if (std::filesystem::exists(std::filesystem::path(folder) / "config.json")) return folder;
  }
  return "";
}

run::AuditRequest audit_request(SharedFlags shared, const AuditFlags& flags) {
  if (flags.run.empty() == flags.model.empty()) {
    user_error("audit: give a run folder, or --model DIR");
  }
  run::AuditRequest request;
  request.unlearned = run::eval_targets({flags.run.empty() ? flags.model : flags.run}, {}).front();
  if (shared.config.empty()) shared.config = request.unlearned.run_config.string();
  request.settings = user_settings(shared, {});
  if (!flags.benchmark.empty()) {
    request.settings.set("data.benchmark", flags.benchmark, "--benchmark");
  }
  run::set_evaluated_split(request.settings);
  request.original = flags.original;
  if (request.original.empty() && !request.unlearned.run_config.empty()) {
    request.original = start_of_run(request.unlearned, request.settings);
  }
  request.retain = flags.retain;
  request.output = shared.output;
  for (const std::string& name : split(flags.attacks, ',')) {
    if (!name.empty()) request.attacks.push_back(name);
  }
  request.quick = flags.quick;
  request.budget_minutes = flags.budget;
  request.seed = shared.seed.value_or(0);
  return request;
}

}  // namespace

int run_audit(std::vector<std::string> arguments) {
  SharedFlags shared;
  AuditFlags flags;
  cli::Flags app("attacks on a model that is said to have forgotten, and what they bring back",
                 "audit",
                 "unlearn audit runs/simnpo --retain-model runs/retain --output audits/simnpo");
  app.add_option("run", flags.run, "run folder of the unlearned model");
  app.add_option("--model", flags.model, "the unlearned model's folder, instead of a run");
  app.add_option("--original", flags.original,
                 "the model before unlearning (default: the one the run began with)");
  app.add_option("--retain-model", flags.retain,
                 "a model that never saw the forget rows: what an attack teaches anyway");
  app.add_option("--benchmark", flags.benchmark, "tofu, … (data.benchmark)");
  app.add_option("--attacks", flags.attacks,
                 "some of " + join(attacks::attack_names(), ", ") +
                     ", separated by commas, or none: the models as they are")
      .otherwise("all");
  app.add_flag("--quick", flags.quick, "the fewest ways and seeds of every attack");
  app.add_option("--budget", flags.budget, "minutes; the dearest attacks are left out")
      .shown_as("MINUTES");
  app.add_option("--seed", shared.seed, "seed of everything that is drawn").otherwise("0");
  app.add_option("--output", shared.output, "folder for audit.json and audit.html").required();
  add_config_flags(app, shared);
  if (!parse(app, std::move(arguments), shared)) return 0;
  if (flags.budget && !(*flags.budget > 0)) user_error("--budget: must be above 0");
  const run::AuditRequest request = audit_request(shared, flags);
  if (shared.dry_run) {
    std::cout << run::describe_audit(request);
    return 0;
  }
  const Json result = run::run_audit(request);
  for (const Json& entry : result.at("attacks")) {
    std::cout << entry.at("sentence").get<std::string>() << "\n";
  }
  for (const char* line : {"white_box", "over_unlearned"}) {
    const Json& entry = result.at(line);
    if (entry.is_object()) std::cout << entry.at("sentence").get<std::string>() << "\n";
  }
  const Json& verdict = result.at("verdict");
  if (verdict.at("value").is_null()) {
    std::cout << "verdict: none, as no attack was tried\n";
  } else {
    std::cout << "verdict: " << verdict.at("value").get<std::string>() << " ("
              << verdict.at("worst").get<std::string>() << ")\n";
  }
  log::info("results: ", (request.output / "audit.html").string());
  return 0;
}

}  // namespace unlearn::commands
