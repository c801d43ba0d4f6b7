#include "unlearn/runtime/staged_copy.h"

#include <ATen/Parallel.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <cstring>

namespace unlearn::runtime {
namespace {

constexpr size_t kBuffers = 3;
constexpr int64_t kBufferBytes = int64_t{32} << 20;
constexpr int64_t kThreadBytes = int64_t{1} << 20;

void copy_bytes(void* to, const void* from, int64_t bytes) {
  at::parallel_for(0, bytes, kThreadBytes, [&](int64_t begin, int64_t end) {
    std::memcpy(static_cast<char*>(to) + begin, static_cast<const char*>(from) + begin,
                static_cast<size_t>(end - begin));
  });
}

}  // namespace

struct StagedCopy::Buffer {
  torch::Tensor bytes;
  c10::Event read;  // the device has read it
};

StagedCopy::StagedCopy(torch::Device device) : device_(device) {
  if (device.is_cpu()) return;
  for (size_t i = 0; i < kBuffers; ++i) {
    buffers_.push_back(
        {torch::empty({kBufferBytes}, torch::dtype(torch::kUInt8).pinned_memory(true)),
         c10::Event(device.type())});
  }
}

StagedCopy::~StagedCopy() = default;

void StagedCopy::copy(torch::Tensor destination, const torch::Tensor& source) {
  if (device_.is_cpu()) {
    destination.copy_(source);
    return;
  }
  const torch::Tensor to = destination.view({-1});
  const torch::Tensor from = source.view({-1});
  const int64_t step = kBufferBytes / static_cast<int64_t>(source.element_size());
  for (int64_t begin = 0; begin < from.numel(); begin += step) {
    const int64_t count = std::min(step, from.numel() - begin);
    copy_part(to.narrow(0, begin, count), from.narrow(0, begin, count));
  }
}

void StagedCopy::copy_part(torch::Tensor destination, const torch::Tensor& source) {
  Buffer& buffer = buffers_[next_++ % buffers_.size()];
  buffer.read.synchronize();
  const auto bytes = static_cast<int64_t>(source.nbytes());
  copy_bytes(buffer.bytes.data_ptr(), source.const_data_ptr(), bytes);
  destination.copy_(buffer.bytes.narrow(0, 0, bytes).view(source.scalar_type()),
                    /*non_blocking=*/true);
  buffer.read.record(c10::impl::VirtualGuardImpl(device_.type()).getStream(device_));
}

}  // namespace unlearn::runtime
