// unlearn forget: own rows, from a model and a file to a verdict.
#include "unlearn/run/forget.h"

#include <iostream>

#include "commands/commands.h"
#include "commands/shared_flags.h"
#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"

namespace unlearn::commands {
namespace {

struct ForgetFlags {
  std::optional<double> target, max_damage;
  std::string base;
  bool force = false, lora = false, drop_overlap = false;
};

void add_forget_flags(cli::Flags& app, TrainingFlags& training, ForgetFlags& flags) {
  app.begin_group("Rows");
  app.add_option("--forget", training.forget, "the rows to be forgotten (data.forget)")
      .required()
      .shown_as("FILE");
  app.add_option("--retain", training.retain, "rows to be kept (data.retain)")
      .shown_as("FILE")
      .otherwise("the model's own samples");
  app.add_option("--base", flags.base,
                 "the model before it learnt the rows: its log-probabilities are the target")
      .shown_as("DIR");
  app.add_flag("--drop-overlap", flags.drop_overlap,
               "take rows that are forget rows out of the retain rows (data.drop_overlap)");
  app.begin_group("Target");
  app.add_option("--target", flags.target, "preference for the true answers to reach (AUC)")
      .between(0.0, 1.0)
      .otherwise("0.55");
  app.add_option("--max-damage", flags.max_damage,
                 "what the held-out rows may lose, nats per token")
      .between(0.0, 100.0)
      .otherwise("0.1");
  app.begin_group("How it runs");
  app.add_flag("--force", flags.force, "go on with rows that the model does not seem to know");
  app.add_flag("--lora", flags.lora, "train an adapter even where a full fine-tune fits");
  app.add_option("--lr", training.lr, "learning rate (train.lr)").otherwise("by a short test");
  app.add_option("--batch-size", training.batch_size,
                 "forget rows of a whole optimizer step (train.batch_size)")
      .otherwise("by the number of rows");
  app.add_flag("--overwrite", training.overwrite, "replace the run in --output");
}

}  // namespace

int run_forget(std::vector<std::string> arguments) {
  SharedFlags shared;
  TrainingFlags training;
  ForgetFlags flags;
  cli::Flags app(
      "make a model forget your own rows, and say whether it has", "forget",
      "unlearn forget --model DIR --forget rows.csv --retain others.csv --output runs/forget");
  const std::string command_line = cat("unlearn forget ", join(arguments, " "));
  add_forget_flags(app, training, flags);
  add_shared_flags(app, shared);
  if (!parse(app, std::move(arguments), shared)) return 0;
  run::ForgetRequest request{.user = user_settings(shared, training)};
  if (flags.drop_overlap) request.user.set("data.drop_overlap", true, "--drop-overlap");
  request.force = flags.force;
  request.lora = flags.lora;
  request.base = flags.base;
  if (flags.target) request.targets.auc = *flags.target;
  if (flags.max_damage) request.targets.max_damage = *flags.max_damage;
  if (training.overwrite) request.existing = train::ExistingOutput::kOverwrite;
  request.command_line = command_line;
  if (shared.dry_run) {
    std::cout << run::dry_run_forget(request);
    return 0;
  }
  return run::forget(request);
}

}  // namespace unlearn::commands
