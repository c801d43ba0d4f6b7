#include "unlearn/runtime/row_logits.h"

#include <ATen/Parallel.h>

#include "runtime/launch.h"
#include "unlearn/kernels/row_logits.h"

namespace unlearn::runtime {
namespace {

using torch::Tensor;

bool has_kernel(const Tensor& logits) {
  const bool is_loaded = logits.is_cpu() || kernels_for(logits) != nullptr;
  return is_loaded && logits.scalar_type() == torch::kFloat && logits.is_contiguous();
}

// The form of a kernel for where the logits lie.
template <class Args, class CpuKernel, class CudaKernel>
void run(const Tensor& logits, const Args& args, CpuKernel on_cpu,
         CudaKernel kernels::CudaLibrary::*on_gpu, const char* name) {
  if (logits.is_cpu()) {
    at::parallel_for(0, args.rows, 1,
                     [&](int64_t begin, int64_t end) { on_cpu(args, begin, end); });
    return;
  }
  void* stream = current_stream(logits.device());
  check_launch((kernels::cuda_library()->*on_gpu)(&args, stream), name);
}

kernels::RowLogits kernel_arguments(const Tensor& logits, const Tensor& targets,
                                    const Tensor& lse) {
  kernels::RowLogits args;
  args.logits = logits.data_ptr();
  args.targets = targets.const_data_ptr<int64_t>();
  args.lse = static_cast<float*>(lse.data_ptr());
  args.rows = logits.size(0);
  args.columns = logits.size(1);
  return args;
}

}  // namespace

void row_lse(const Tensor& logits, const Tensor& targets, Tensor lse, Tensor picked) {
  if (!has_kernel(logits)) {
    at::logsumexp_out(lse, logits, 1);
    picked.copy_(logits.gather(1, targets.unsqueeze(1)).squeeze(1));
    return;
  }
  const Tensor dense_targets = targets.contiguous();
  kernels::RowLogits args = kernel_arguments(logits, dense_targets, lse);
  args.picked = picked.mutable_data_ptr<float>();
  run(logits, args, kernels::row_lse_cpu, &kernels::CudaLibrary::row_lse, "row_lse");
}

void row_logp_gradient(Tensor logits, const Tensor& targets, const Tensor& lse, const Tensor& g) {
  if (!has_kernel(logits)) {
    const Tensor column = g.unsqueeze(1);
    logits.sub_(lse.unsqueeze(1)).exp_().mul_(-column);
    logits.scatter_add_(1, targets.unsqueeze(1), column.expand({-1, 1}));
    return;
  }
  const Tensor dense_targets = targets.contiguous();
  const Tensor dense_g = g.contiguous();
  kernels::RowLogits args = kernel_arguments(logits, dense_targets, lse);
  args.gradient = dense_g.const_data_ptr<float>();
  run(logits, args, kernels::row_dlogits_cpu, &kernels::CudaLibrary::row_dlogits, "row_dlogits");
}

bool has_row_kl(const Tensor& logits, const Tensor& reference) {
  return has_kernel(logits) && has_kernel(reference);
}

void row_kl(Tensor logits, const Tensor& reference, Tensor values, bool with_gradient) {
  const kernels::RowKl args{.logits = logits.mutable_data_ptr<float>(),
                            .reference = reference.const_data_ptr<float>(),
                            .value = values.mutable_data_ptr<float>(),
                            .with_gradient = with_gradient,
                            .rows = logits.size(0),
                            .columns = logits.size(1)};
  run(logits, args, kernels::row_kl_cpu, &kernels::CudaLibrary::row_kl, "row_kl");
}

}  // namespace unlearn::runtime
