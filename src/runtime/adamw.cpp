#include "unlearn/runtime/adamw.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "runtime/launch.h"

namespace unlearn::runtime {
namespace {

using kernels::AdamWTensor;

// Elements a thread takes at a time: its working set stays in the first-level cache's reach, and
// large tensors are shared between threads.
constexpr int64_t kChunk = 64 * kernels::kStateBlock;

struct Chunk {
  const AdamWTensor* tensor;
  int64_t begin;
  int64_t end;
};

void run_on_cpu(const std::vector<AdamWTensor>& tensors, const kernels::AdamWLayout& layout,
                const kernels::AdamWNumbers& numbers) {
  std::vector<Chunk> chunks;
  for (const AdamWTensor& tensor : tensors) {
    for (int64_t begin = 0; begin < tensor.size; begin += kChunk) {
      chunks.push_back({&tensor, begin, std::min(begin + kChunk, tensor.size)});
    }
  }
  at::parallel_for(0, static_cast<int64_t>(chunks.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Chunk& chunk = chunks[static_cast<size_t>(i)];
      kernels::adamw_cpu(*chunk.tensor, layout, numbers, chunk.begin, chunk.end);
    }
  });
}

void run_on_gpu(const std::vector<AdamWTensor>& tensors, const kernels::AdamWLayout& layout,
                const kernels::AdamWNumbers& numbers, torch::Device device) {
  const kernels::CudaLibrary& library = loaded_kernels();
  std::vector<int64_t> sizes;
  for (const AdamWTensor& tensor : tensors) sizes.push_back(tensor.size);
  const DeviceWork work = work_table(sizes, device);
  const torch::Tensor table = to_device(tensors, device);
  check_launch(library.adamw(static_cast<const AdamWTensor*>(table.const_data_ptr()), &work.table,
                             &layout, &numbers, current_stream(device)),
               "adamw");
}

}  // namespace

void run_adamw(const std::vector<AdamWTensor>& tensors, const kernels::AdamWLayout& layout,
               const kernels::AdamWNumbers& numbers, torch::Device device) {
  if (tensors.empty()) return;
  if (device.is_cpu()) return run_on_cpu(tensors, layout, numbers);
  run_on_gpu(tensors, layout, numbers, device);
}

}  // namespace unlearn::runtime
