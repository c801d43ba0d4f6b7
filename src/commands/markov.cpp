// unlearn markov: the paper's synthetic experiment on mixtures of Markov chains.
#include <algorithm>
#include <iostream>

#include "commands/cli.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/core/manifest.h"
#include "unlearn/markov/figure.h"
#include "unlearn/markov/study.h"
#include "unlearn/markov/summary.h"

namespace unlearn::commands {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBoth = "both";

config::Settings user_settings_of(const SharedFlags& flags) {
  config::Settings settings;
  if (!flags.config.empty()) {
    settings = config::Settings::from_file(config::find_config(flags.config, config_folders()),
                                           config_folders());
  }
  for (const std::string& assignment : flags.set) {
    settings.assign(assignment, cat("--set ", assignment));
  }
  return settings;
}

std::vector<std::string> chosen_experiments(const std::string& flag,
                                            const config::Settings& settings) {
  const config::Setting* setting = settings.find("experiment");
  const auto text = [](const Json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  const std::string name = !flag.empty() ? flag : setting == nullptr ? kBoth : text(setting->value);
  const std::vector<std::string> known = config::names_in(markov::kExperiments);
  if (name == kBoth) return known;
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    user_error("--experiment: must be one of ", join(known, ", "), " or both, not '", name, "'",
               did_you_mean(name, known));
  }
  return {name};
}

// True when `file` is this run already; UserError when it is another one.
bool is_done(const fs::path& file, const markov::Study& study, bool overwrite) {
  if (overwrite || !fs::exists(file)) return false;
  const Json record = read_json(file);
  if (!record.is_object() || record.value("config", Json()) != study.resolved) {
    user_error(file.string(),
               ": made with other settings; choose another --output, or --overwrite");
  }
  log::info("done already: ", file.string());
  return true;
}

// All records of the folder, in the order of experiment and file name.
std::vector<Json> read_records(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const std::string& experiment : config::names_in(markov::kExperiments)) {
    if (!fs::is_directory(folder / experiment)) continue;
    for (const auto& entry : fs::directory_iterator(folder / experiment)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("seed-") && name.ends_with(".json")) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<Json> records;
  for (const fs::path& file : files) {
    records.push_back(read_json(file));
    markov::check_record(records.back(), file.string());
  }
  return records;
}

}  // namespace

int run_markov(std::vector<std::string> arguments) {
  SharedFlags flags;
  std::string experiment;
  std::vector<int64_t> seeds = {42};
  bool overwrite = false;
  Flags app("the paper's synthetic experiment: unlearning Markov chains (docs/markov.md)",
            "markov");
  app.add_option("--output", flags.output, "folder of records, summary.json and figure.svg")
      .required();
  app.add_option("--experiment", experiment, "length, memorisation or both (default)");
  app.add_option("--seeds", seeds, "seeds, comma-separated; one run each")
      .between(int64_t{0}, std::numeric_limits<int64_t>::max());
  app.add_option("--config", flags.config, "YAML file of settings");
  app.add_option("--set", flags.set, "any setting: dotted.key=value (repeatable)");
  app.add_flag("--overwrite", overwrite, "repeat runs whose record is there");
  add_log_flags(app, flags);
  if (!parse(app, std::move(arguments), flags)) return 0;

  const config::Settings settings = user_settings_of(flags);
  OwnFolder output{flags.output};
  output.check_free({"summary.json", "figure.svg"});
  markov::Laboratory laboratory;
  const auto names = chosen_experiments(experiment, settings);
  for (const int64_t seed : seeds) {
    for (const std::string& name : names) {
      markov::Study study =
          markov::resolve_study(config::value_in(markov::kExperiments, name), settings);
      const std::string file = cat(name, "/seed-", seed, ".json");
      if (is_done(output.path() / file, study, overwrite)) continue;
      output.check_free({file});
      const Json record = laboratory.run(study, static_cast<uint64_t>(seed));
      output.write(file, record.dump() + "\n");
    }
  }
  const std::vector<Json> records = read_records(output.path());
  const Json summary = markov::summarize(records);
  output.write("summary.json", summary.dump(1) + "\n");
  output.write("figure.svg", markov::draw_figure(records));
  std::cout << markov::summary_text(summary);
  return 0;
}

}  // namespace unlearn::commands
