// unlearn markov: the paper's synthetic experiment on mixtures of Markov chains.
#include <iostream>
#include <limits>

#include "commands/commands.h"
#include "commands/shared_flags.h"
#include "unlearn/core/manifest.h"
#include "unlearn/markov/figure.h"
#include "unlearn/markov/records.h"
#include "unlearn/markov/summary.h"

namespace unlearn::commands {

int run_markov(std::vector<std::string> arguments) {
  SharedFlags flags;
  std::string experiment;
  std::vector<int64_t> seeds = {42};
  bool overwrite = false;
  cli::Flags app("the paper's synthetic experiment: unlearning Markov chains (docs/markov.md)",
                 "markov",
                 "unlearn markov --config synthetic-len.yaml --output markov --seeds 42,43");
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

  const config::Settings settings = file_settings(flags.config, flags.set);
  OwnFolder output{flags.output};
  output.check_free({"summary.json", "figure.svg"});
  markov::Laboratory laboratory;
  const auto names = markov::chosen_experiments(experiment, settings);
  for (const int64_t seed : seeds) {
    for (const std::string& name : names) {
      markov::Study study =
          markov::resolve_study(config::value_in(markov::kExperiments, name), settings);
      const std::string file = cat(name, "/seed-", seed, ".json");
      if (markov::is_recorded(output.path() / file, study, overwrite)) continue;
      output.check_free({file});
      const Json record = laboratory.run(study, static_cast<uint64_t>(seed));
      output.write(file, record.dump() + "\n");
    }
  }
  const std::vector<Json> records = markov::read_records(output.path());
  const Json summary = markov::summarize(records);
  output.write("summary.json", summary.dump(1) + "\n");
  output.write("figure.svg", markov::draw_figure(records));
  std::cout << markov::summary_text(summary);
  return 0;
}

}  // namespace unlearn::commands
