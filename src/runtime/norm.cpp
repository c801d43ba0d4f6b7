#include "unlearn/runtime/norm.h"

#include <map>

#include "runtime/launch.h"

namespace unlearn::runtime {
namespace {

// Sum of squares of all elements, in fp64.
torch::Tensor sum_squares_on_gpu(const std::vector<torch::Tensor>& tensors, torch::Device device) {
  const kernels::CudaLibrary& library = loaded_kernels();
  std::map<torch::Dtype, std::vector<torch::Tensor>> by_dtype;
  for (const torch::Tensor& tensor : tensors) by_dtype[tensor.scalar_type()].push_back(tensor);
  const auto wide = torch::dtype(torch::kDouble).device(device);
  torch::Tensor sums = torch::empty({static_cast<int64_t>(by_dtype.size())}, wide);
  int64_t at = 0;
  for (const auto& [dtype, group] : by_dtype) {
    std::vector<kernels::NormTensor> items;
    std::vector<int64_t> sizes;
    for (const torch::Tensor& tensor : group) {
      items.push_back({tensor.const_data_ptr(), tensor.numel()});
      sizes.push_back(tensor.numel());
    }
    const DeviceWork work = work_table(sizes, device);
    const torch::Tensor table = to_device(items, device);
    const torch::Tensor partial = torch::empty({work.table.blocks}, wide);
    check_launch(
        library.sum_squares(static_cast<const kernels::NormTensor*>(table.const_data_ptr()),
                            &work.table, kernel_dtype(dtype), partial.mutable_data_ptr<double>(),
                            sums.mutable_data_ptr<double>() + at++, current_stream(device)),
        "sum_squares");
  }
  return sums.sum();
}

}  // namespace

torch::Tensor l2_norm(const std::vector<torch::Tensor>& tensors, torch::Device device) {
  if (!device.is_cpu()) return sum_squares_on_gpu(tensors, device).sqrt_();
  std::vector<torch::Tensor> norms;
  for (const torch::Tensor& tensor : tensors) {
    const auto dtype = tensor.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
    norms.push_back(at::norm(tensor, 2, dtype));
  }
  return norms.empty() ? torch::zeros({}, torch::kDouble)
                       : torch::stack(norms).to(torch::kDouble).norm();
}

}  // namespace unlearn::runtime
