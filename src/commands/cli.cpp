#include "commands/cli.h"

#include <torch/version.h>

#include <filesystem>

#include "unlearn/core/error.h"
#include "unlearn/core/log.h"

namespace unlearn::commands {
namespace fs = std::filesystem;

void add_log_flags(Flags& app, SharedFlags& flags) {
  app.add_option("--log-level", flags.log_level, "debug, info, warning, error or off");
  app.add_flag("--quiet", flags.quiet, "only warnings and errors on stderr");
}

void add_tokenizer_flag(Flags& app, std::string& rules) {
  app.add_option("--tokenizer", rules,
                 "whose rules read the tokenizer's files where they differ: transformers5, "
                 "transformers4, or auto (the run's that wrote the model, else transformers5)")
      .one_of({"auto", "transformers5", "transformers4"});
void add_strict_flag(Flags& app, SharedFlags& flags) {
  app.add_flag("--strict", flags.strict,
               "refuse model folders with tensors that have no place (model.strict)");
}

void add_config_flags(Flags& app, SharedFlags& flags) {
  app.add_option("--config", flags.config, "YAML config: a path, or a name such as tofu.yaml");
  app.add_option("--data", flags.data, "folder of the benchmark's files (data.root)");
  app.add_option("--device", flags.device, "auto, cpu, cuda or cuda:N");
  app.add_option("--set", flags.set, "any config key: dotted.key=value (repeatable)");
  add_strict_flag(app, flags);
  app.add_flag("--dry-run", flags.dry_run, "check every input and print the plan; load no weights");
  add_log_flags(app, flags);
}

void add_shared_flags(Flags& app, SharedFlags& flags) {
  app.add_option("--model", flags.model, "Hugging Face model folder (model.path)");
  app.add_option("--output", flags.output, "run folder");
  app.add_option("--seed", flags.seed, "seed of everything random (train.seed)");
  add_config_flags(app, flags);
}

void add_training_flags(Flags& app, TrainingFlags& flags, bool with_method) {
  if (with_method) {
    app.add_option("--method", flags.method, "unlearning method (unlearn list methods)");
    app.add_option("--beta", flags.beta, "the method's beta (method.beta)");
    app.add_option("--gamma", flags.gamma, "SimNPO's margin as in the paper (method.gamma)");
    app.add_option("--ref-model", flags.reference,
                   "another model as the reference (model.reference)");
    app.add_option("--ref-perturb", flags.reference_perturb,
                   "share of random weights in the reference (model.reference_perturb)");
  }
  app.add_option("--lr", flags.lr, "peak learning rate (train.lr)");
  app.add_option("--epochs", flags.epochs, "passes over the data (train.epochs)");
  app.add_flag("--resume", flags.resume, "continue the run in --output");
  app.add_flag("--overwrite", flags.overwrite, "replace the run in --output");
  app.add_flag("--print-config", flags.print_config,
               "print every setting as a config file, and do nothing");
  app.add_option("--nproc", flags.nproc, "processes on this machine that share each step")
      .between(int64_t{1}, int64_t{1024});
}

bool parse(Flags& app, std::vector<std::string> arguments, const SharedFlags& flags) {
  if (!app.parse(std::move(arguments))) return false;
  log::set_level(flags.quiet ? log::Level::kWarning : log::parse_level(flags.log_level));
  return true;
}

std::vector<fs::path> config_folders() {
  std::vector<fs::path> folders;
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  if (!program.empty()) {
    folders.push_back(program.parent_path().parent_path() / "share/unlearn/configs");
    folders.push_back(program.parent_path().parent_path() /
                      "configs");  // build/unlearn in the tree
  }
  return folders;
}

std::string version_text() { return cat(UNLEARN_VERSION, " (LibTorch ", TORCH_VERSION, ")"); }

}  // namespace unlearn::commands
