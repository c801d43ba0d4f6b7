// unlearn remove: a fine-tuned model without some of its rows, to the bit.
#include "unlearn/run/remove.h"

#include "commands/commands.h"
#include "commands/shared_flags.h"
#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"

namespace unlearn::commands {

int run_remove(std::vector<std::string> arguments) {
  SharedFlags shared;
  std::string folder, rows;
  bool resume = false, overwrite = false, dry_run = false;
  cli::Flags app("a fine-tuned model without some of its rows, as if it had never seen them",
                 "remove", "unlearn remove --run runs/full --rows 3,17 --output runs/without");
  const std::string command_line = cat("unlearn remove ", join(arguments, " "));
  app.begin_group("What is removed");
  app.add_option("--run", folder, "the run of unlearn finetune; it is left as it is")
      .required()
      .shown_as("DIR");
  app.add_option("--rows", rows,
                 "rows of data.train: numbers from 0 or content hashes with commas between them, a "
                 "file with one per line, or a file of the rows themselves")
      .shown_as("N,N|FILE");
  app.begin_group("How it runs");
  app.add_option("--output", shared.output, "run folder of the new model")
      .shown_as("DIR")
      .otherwise("the run's with -removed behind its name");
  app.add_flag("--dry-run", dry_run, "print what would be replayed and what it costs");
  app.add_flag("--resume", resume, "continue the removal in --output");
  app.add_flag("--overwrite", overwrite, "replace the run in --output");
  add_log_flags(app, shared);
  if (!parse(app, std::move(arguments), shared)) return 0;
  if (resume && (overwrite || dry_run)) {
    user_error("--resume: goes together with neither --overwrite nor --dry-run");
  }
  if (rows.empty() && !resume) user_error("--rows: name the rows to remove");
  if (!rows.empty() && resume) {
    user_error("--rows: a removal that is resumed has its rows; leave it out");
  }
  run::RemoveRequest request{.run = folder, .rows = rows, .output = shared.output};
  if (resume) request.existing = train::ExistingOutput::kResume;
  if (overwrite) request.existing = train::ExistingOutput::kOverwrite;
  request.dry_run = dry_run;
  request.command_line = command_line;
  return run::remove(request);
}

}  // namespace unlearn::commands
