#include "unlearn/runtime/read_later.h"

#include <c10/core/impl/VirtualGuardImpl.h>

namespace unlearn::runtime {

ReadLater::ReadLater(const torch::Tensor& tensor) : host_(tensor) {
  const torch::Device device = tensor.device();
  if (device.is_cpu()) return;
  host_ = torch::empty_like(tensor, tensor.options().device(torch::kCPU).pinned_memory(true));
  host_.copy_(tensor, /*non_blocking=*/true);
  arrived_.emplace(device.type());
  arrived_->record(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
}

const torch::Tensor& ReadLater::get() const {
  if (arrived_) arrived_->synchronize();
  return host_;
}

}  // namespace unlearn::runtime
