#include "unlearn/run/task_vector.h"

#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/core/error.h"
#include "unlearn/core/folder_writer.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

using checkpoint::TensorStore;

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

}  // namespace

void write_without_task(const TaskVector& task, const fs::path& output, bool overwrite) {
  const checkpoint::HfConfig config = checkpoint::open_hf_folder(task.model);
  const TensorStore model(task.model);
  const TensorStore finetuned(task.finetuned);
  check_same_tensors(model, task.model, finetuned, task.finetuned);
  FolderWriter writer(output, overwrite ? ExistingFolder::kReplace : ExistingFolder::kRefuse,
                      {task.model, task.finetuned});
  std::vector<checkpoint::NamedTensor> tensors;
  for (const std::string& name : model.names()) {
    tensors.push_back({name, without_task(model.view(name), finetuned.view(name), task.alpha)});
    if (!tensors.back().tensor.isfinite().all().item<bool>()) {
      user_error("--alpha ", number(task.alpha), ": tensor '", name,
                 "' would not be finite; give a smaller --alpha, or models without NaN");
    }
    model.release(name);
    finetuned.release(name);
  }
  const torch::Dtype dtype = floating_dtype(model, task.model);
  model.check_unchanged();
  finetuned.check_unchanged();
  writer.add("config.json",
             write_hashed_file(writer.path() / "config.json",
                               checkpoint::portable_config(config, dtype).dump(2) + "\n"));
  writer.add(checkpoint::copy_companion_files(task.model, writer.path()));
  writer.add(
      checkpoint::write_tensor_folder(writer.path(), tensors, dtype, checkpoint::kLargestShard));
  writer.commit();
}

}  // namespace unlearn::run
