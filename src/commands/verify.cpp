// unlearn verify: whether a run's files, and its figures, are what its verdict was given on.
#include "unlearn/run/verify.h"

#include "commands/commands.h"
#include "commands/shared_flags.h"

namespace unlearn::commands {

int run_verify(std::vector<std::string> arguments) {
  SharedFlags shared;
  std::string folder;
  bool measure = false;
  cli::Flags app("whether a run of unlearn forget is still what its verdict was given on", "verify",
                 "unlearn verify runs/forget --measure");
  app.add_option("run", folder, "the run's folder").required();
  app.add_flag("--measure", measure, "measure the saved model again and compare the figures");
  app.add_option("--device", shared.device, "auto, cpu, cuda or cuda:N").otherwise("auto");
  add_log_flags(app, shared);
  if (!parse(app, std::move(arguments), shared)) return 0;
  run::VerifyRequest request{.folder = folder, .measure = measure};
  if (!shared.device.empty()) request.device = shared.device;
  return run::verify(request);
}

}  // namespace unlearn::commands
