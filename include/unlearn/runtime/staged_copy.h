// Copies of large host tensors to a GPU at the speed of the bus.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace unlearn::runtime {

// Tensors of a mapped file, or of ordinary memory, go through a few page-locked buffers: all
// threads fill one while the device reads another. On other devices a plain copy.
class StagedCopy {
 public:
  explicit StagedCopy(torch::Device device);
  ~StagedCopy();
  StagedCopy(const StagedCopy&) = delete;
  StagedCopy& operator=(const StagedCopy&) = delete;

  // destination <- source, with a change of dtype where they differ. Both contiguous, of one shape.
  // Work queued on the device afterwards finds it done; `source` may go at once.
  void copy(torch::Tensor destination, const torch::Tensor& source);

 private:
  struct Buffer;
  void copy_part(torch::Tensor destination, const torch::Tensor& source);

  torch::Device device_;
  std::vector<Buffer> buffers_;
  size_t next_ = 0;
};

}  // namespace unlearn::runtime
