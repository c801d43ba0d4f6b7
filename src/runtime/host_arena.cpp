#include "unlearn/runtime/host_arena.h"

#include <c10/core/CPUAllocator.h>
#include <malloc.h>
#include <stdlib.h>

#include <atomic>

#include "unlearn/runtime/block_arena.h"

namespace unlearn::runtime {
namespace {

constexpr size_t kSmallest = size_t{64} << 10;
constexpr size_t kAddressSpace = size_t{1} << 42;

class ArenaAllocator : public c10::Allocator {
 public:
  explicit ArenaAllocator(c10::Allocator* small) : small_(small) {}

  c10::DataPtr allocate(size_t bytes) override {
    void* block = bytes >= kSmallest ? arena_.allocate(bytes) : nullptr;
    if (block == nullptr) block = small_->raw_allocate(bytes);
    return {block, block, &release, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
  void trim() { arena_.trim(); }

 private:
  static void release(void* block);

  BlockArena arena_{kAddressSpace};
  c10::Allocator* small_;  // of everything else
};

// Never destroyed: tensors of static lifetime outlive it.
std::atomic<ArenaAllocator*> allocator{nullptr};

void ArenaAllocator::release(void* block) {
  ArenaAllocator& self = *allocator.load(std::memory_order_relaxed);
  if (self.arena_.owns(block)) {
    self.arena_.free(block);
  } else {
    self.small_->raw_deallocate(block);
  }
}

}  // namespace

void use_arena_for_host_tensors() {
#ifndef __SANITIZE_ADDRESS__  // it would not see what happens inside the arena
  if (allocator.load() != nullptr) return;
  allocator.store(new ArenaAllocator(c10::GetCPUAllocator()));
  c10::SetCPUAllocator(allocator.load(), /*priority=*/1);
#endif
}

void bound_matrix_kernels() {
  // Each of the two layers below ATen (oneDNN, and the bridge to it) has a cache of its own.
  for (const char* name : {"ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"}) {
    ::setenv(name, "64", /*overwrite=*/0);
  }
}

void trim_host_memory() {
  if (ArenaAllocator* arena = allocator.load()) arena->trim();
  ::malloc_trim(0);
}

}  // namespace unlearn::runtime
