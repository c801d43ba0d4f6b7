// Task arithmetic on model folders: subtracts what fine-tuning on the forget data added,
// theta - alpha (theta_finetuned - theta) (arXiv 2212.04089; github.com/swj0419/muse_bench,
// baselines/baselines/task_vector.py).
#pragma once

#include <filesystem>

namespace unlearn::run {

struct TaskVector {
  std::filesystem::path model, finetuned;  // Hugging Face folders of the same tensors
  double alpha = 1.0;                      // how many times the difference is subtracted
};

// Writes the new model into `output`, with the companion files of `model`; floating tensors are
// computed in fp32 or wider and keep their dtype. UserError when the folders' tensors differ or a
// result is not finite.
void write_without_task(const TaskVector& task, const std::filesystem::path& output,
                        bool overwrite);

}  // namespace unlearn::run
