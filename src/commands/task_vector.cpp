// unlearn task-vector: subtracts what fine-tuning on the forget data added.
#include "unlearn/run/task_vector.h"

#include <iostream>

#include "commands/commands.h"
#include "commands/shared_flags.h"

namespace unlearn::commands {

int run_task_vector(std::vector<std::string> arguments) {
  SharedFlags shared;
  std::string model, finetuned, output;
  double alpha = 1.0;
  bool overwrite = false;
  cli::Flags app(
      "subtract what fine-tuning on the forget data added", "task-vector",
      "unlearn task-vector --model DIR --finetuned runs/forget/model --alpha 5 --output minus");
  app.add_option("--model", model, "the model to unlearn").required();
  app.add_option("--finetuned", finetuned, "the same model fine-tuned on the forget data")
      .required();
  app.add_option("--alpha", alpha, "how many times the difference is subtracted (MUSE: 5)");
  app.add_option("--output", output, "folder for the new model").required();
  app.add_flag("--overwrite", overwrite, "replace the model in --output");
  add_log_flags(app, shared);
  if (!parse(app, std::move(arguments), shared)) return 0;
  run::write_without_task({model, finetuned, alpha}, output, overwrite);
  std::cout << output << "\n";
  return 0;
}

}  // namespace unlearn::commands
