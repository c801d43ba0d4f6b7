#include "commands/shared_flags.h"

#include "unlearn/core/log.h"
#include "unlearn/run/catalogue.h"

namespace unlearn::commands {

void add_log_flags(cli::Flags& app, SharedFlags& flags) {
  app.begin_group("Messages");
  app.add_option("--log-level", flags.log_level, "debug, info, warning, error or off")
      .shown_as("LEVEL");
  app.add_flag("--quiet", flags.quiet, "only warnings and errors on stderr");
}

void add_tokenizer_flag(cli::Flags& app, std::string& rules) {
  app.add_option("--tokenizer", rules,
                 "whose rules read the tokenizer's files where they differ: transformers5, "
                 "transformers4, or auto (the run's that wrote the model, else transformers5)")
      .one_of({"auto", "transformers5", "transformers4"});
}

void add_strict_flag(cli::Flags& app, SharedFlags& flags) {
  app.add_flag("--strict", flags.strict,
               "refuse model folders with tensors that have no place (model.strict)");
}

void add_config_flags(cli::Flags& app, SharedFlags& flags) {
  app.begin_group("Config and place");
  app.add_option("--config", flags.config, "YAML config: a path, or a name (unlearn list configs)");
  app.add_option("--data", flags.data, "folder of the benchmark's files (data.root)")
      .shown_as("DIR");
  app.add_option("--device", flags.device, "auto, cpu, cuda or cuda:N").otherwise("auto");
  app.add_option("--set", flags.set,
                 "any config key (unlearn list settings); may be given several times");
  app.suggest_settings(run::names_in("settings"));
  add_strict_flag(app, flags);
  app.add_flag("--dry-run", flags.dry_run, "check every input and print the plan; load no weights");
  add_log_flags(app, flags);
}

void add_shared_flags(cli::Flags& app, SharedFlags& flags) {
  app.begin_group("Model and run");
  app.add_option("--model", flags.model, "Hugging Face model folder (model.path)");
  app.add_option("--output", flags.output, "run folder");
  app.add_option("--seed", flags.seed, "seed of everything random (train.seed)");
  add_config_flags(app, flags);
}

void add_training_flags(cli::Flags& app, TrainingFlags& flags, bool with_method) {
  if (with_method) {
    app.begin_group("Method");
    app.add_option("--method", flags.method, "unlearning method (unlearn list methods)")
        .shown_as("NAME")
        .otherwise("simnpo");
    app.add_option("--forget", flags.forget, "forget rows: a split or a file (data.forget)")
        .shown_as("NAME|FILE");
    app.add_option("--retain", flags.retain, "retain rows: a split or a file (data.retain)")
        .shown_as("NAME|FILE");
    app.add_option("--beta", flags.beta, "the method's beta (method.beta)")
        .otherwise("the method's");
    app.add_option("--gamma", flags.gamma, "SimNPO's margin as in the paper (method.gamma)")
        .otherwise("0");
    app.add_option("--ref-model", flags.reference,
                   "another model as the reference (model.reference)")
        .shown_as("DIR")
        .otherwise("the model before its first step");
    app.add_option("--ref-perturb", flags.reference_perturb,
                   "share of random weights in the reference (model.reference_perturb)")
        .otherwise("0");
  }
  app.begin_group("Training");
  app.add_option("--lr", flags.lr, "peak learning rate (train.lr)").otherwise("the method's");
  app.add_option("--epochs", flags.epochs, "passes over the data (train.epochs)")
      .otherwise("the method's");
  app.add_option("--batch-size", flags.batch_size,
                 "forget rows of a whole optimizer step (train.batch_size)")
      .otherwise("the method's");
  app.begin_group("How it runs");
  app.add_flag("--resume", flags.resume, "continue the run in --output");
  app.add_flag("--overwrite", flags.overwrite, "replace the run in --output");
  app.add_flag("--print-config", flags.print_config,
               "print every setting as a config file, and do nothing");
  app.add_option("--nproc", flags.nproc, "processes on this machine that share each step")
      .between(int64_t{1}, int64_t{1024});
}

bool parse(cli::Flags& app, std::vector<std::string> arguments, const SharedFlags& flags) {
  if (!app.parse(std::move(arguments))) return false;
  log::set_level(flags.quiet ? log::Level::kWarning : log::parse_level(flags.log_level));
  return true;
}

}  // namespace unlearn::commands
