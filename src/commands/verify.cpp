// unlearn verify: whether a run's files, and its figures or weights, are what its verdict or
// certificate was given on.
#include "unlearn/run/verify.h"

#include "commands/commands.h"
#include "commands/shared_flags.h"

namespace unlearn::commands {

int run_verify(std::vector<std::string> arguments) {
  SharedFlags shared;
  std::string folder;
  bool measure = false, replay = false, retrain = false;
  cli::Flags app("whether a run of forget or remove is still what its verdict or certificate says",
                 "verify", "unlearn verify runs/forget --measure");
  app.add_option("run", folder, "the run's folder").required();
  app.add_flag("--measure", measure, "measure the saved model again and compare the figures");
  app.add_flag("--replay", replay,
               "of a removal: replay it beside the run and compare the weights");
  app.add_flag("--retrain", retrain,
               "of a removal: train from the original model without the rows and compare");
  app.add_option("--device", shared.device, "auto, cpu, cuda or cuda:N").otherwise("auto");
  add_log_flags(app, shared);
  if (!parse(app, std::move(arguments), shared)) return 0;
  run::VerifyRequest request{
      .folder = folder, .measure = measure, .replay = replay, .retrain = retrain};
  if (!shared.device.empty()) request.device = shared.device;
  return run::verify(request);
}

}  // namespace unlearn::commands
