// Results of a device that are read while it goes on.
#pragma once

#include <c10/core/Event.h>
#include <torch/types.h>

#include <optional>

namespace unlearn::runtime {

// A tensor on its way to host memory. What is queued on the device after this was made does not
// delay it.
class ReadLater {
 public:
  explicit ReadLater(const torch::Tensor& tensor);
  // Waits until it is there.
  const torch::Tensor& get() const;

 private:
  torch::Tensor host_;
  std::optional<c10::Event> arrived_;  // none where the tensor is in host memory itself
};

}  // namespace unlearn::runtime
