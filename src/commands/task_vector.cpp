// unlearn task-vector: subtracts what fine-tuning on the forget data added,
// theta - alpha (theta_finetuned - theta) (arXiv 2212.04089; github.com/swj0419/muse_bench,
// baselines/baselines/task_vector.py).
#include <iostream>

#include "commands/cli.h"
#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/core/error.h"
#include "unlearn/core/folder_writer.h"

namespace unlearn::commands {
namespace {

namespace fs = std::filesystem;
using checkpoint::TensorStore;

struct TaskVectorFlags {
  std::string model, finetuned, output;
  double alpha = 1.0;
  bool overwrite = false;
};

void check_same_tensors(const TensorStore& model, const fs::path& model_folder,
                        const TensorStore& finetuned, const fs::path& finetuned_folder) {
  for (const std::string& name : model.names()) {
    if (!finetuned.contains(name)) {
      user_error(finetuned_folder.string(), ": tensor '", name, "' of ", model_folder.string(),
                 " is missing; --finetuned must be a fine-tuned --model");
    }
    if (finetuned.info(name).shape != model.info(name).shape) {
      user_error(finetuned.file_of(name).string(), ": tensor '", name,
                 "' has another shape than in ", model_folder.string());
    }
  }
  for (const std::string& name : finetuned.names()) {
    if (!model.contains(name)) {
      user_error(model_folder.string(), ": tensor '", name, "' of ", finetuned_folder.string(),
                 " is missing; --finetuned must be a fine-tuned --model");
    }
  }
}

// Floating tensors move, in fp32; others stay.
torch::Tensor without_task(const torch::Tensor& base, const torch::Tensor& finetuned,
                           double alpha) {
  if (!torch::isFloatingType(base.scalar_type())) return base.clone();
  const auto wide = base.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
  const torch::Tensor start = base.to(wide);
  return (start - alpha * (finetuned.to(wide) - start)).to(base.scalar_type());
}

torch::Dtype floating_dtype(const TensorStore& store, const fs::path& folder) {
  for (const std::string& name : store.names()) {
    const torch::Dtype dtype = store.info(name).dtype;
    if (torch::isFloatingType(dtype)) return dtype;
  }
  user_error(folder.string(), ": holds no floating-point tensor");
}

void write_difference(const TaskVectorFlags& flags) {
  const checkpoint::HfConfig config = checkpoint::open_hf_folder(flags.model);
  const TensorStore model(flags.model);
  const TensorStore finetuned(flags.finetuned);
  check_same_tensors(model, flags.model, finetuned, flags.finetuned);
  FolderWriter writer(flags.output,
                      flags.overwrite ? ExistingFolder::kReplace : ExistingFolder::kRefuse,
                      {flags.model, flags.finetuned});
  std::vector<checkpoint::NamedTensor> tensors;
  for (const std::string& name : model.names()) {
    tensors.push_back({name, without_task(model.view(name), finetuned.view(name), flags.alpha)});
    if (!tensors.back().tensor.isfinite().all().item<bool>()) {
      user_error("--alpha ", number(flags.alpha), ": tensor '", name,
                 "' would not be finite; give a smaller --alpha, or models without NaN");
    }
    model.release(name);
    finetuned.release(name);
  }
  const torch::Dtype dtype = floating_dtype(model, flags.model);
  model.check_unchanged();
  finetuned.check_unchanged();
  writer.add("config.json",
             write_hashed_file(writer.path() / "config.json",
                               checkpoint::portable_config(config, dtype).dump(2) + "\n"));
  writer.add(checkpoint::copy_companion_files(flags.model, writer.path()));
  writer.add(
      checkpoint::write_tensor_folder(writer.path(), tensors, dtype, checkpoint::kLargestShard));
  writer.commit();
}

}  // namespace

int run_task_vector(std::vector<std::string> arguments) {
  SharedFlags shared;
  TaskVectorFlags flags;
  Flags app("subtract what fine-tuning on the forget data added", "task-vector");
  app.add_option("--model", flags.model, "the model to unlearn").required();
  app.add_option("--finetuned", flags.finetuned, "the same model fine-tuned on the forget data")
      .required();
  app.add_option("--alpha", flags.alpha, "how many times the difference is subtracted (MUSE: 5)");
  app.add_option("--output", flags.output, "folder for the new model").required();
  app.add_flag("--overwrite", flags.overwrite, "replace the model in --output");
  add_log_flags(app, shared);
  if (!parse(app, std::move(arguments), shared)) return 0;
  write_difference(flags);
  std::cout << flags.output << "\n";
  return 0;
}

}  // namespace unlearn::commands
