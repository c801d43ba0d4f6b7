#include "unlearn/runtime/block_arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "unlearn/core/error.h"

namespace unlearn::runtime {
namespace {

size_t page_size() {
  static const auto size = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

size_t whole_pages(size_t bytes) {
  return (std::max<size_t>(bytes, 1) + page_size() - 1) / page_size() * page_size();
}

}  // namespace

BlockArena::BlockArena(size_t address_space) {
  const size_t space = whole_pages(address_space);
  void* base = ::mmap(nullptr, space, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return;
  base_ = static_cast<char*>(base);
  space_ = space;
  blocks_[0] = {space, State::kCold};
  cold_.emplace(space, 0);
}

BlockArena::~BlockArena() {
  if (base_ != nullptr) ::munmap(base_, space_);
}

bool BlockArena::owns(const void* pointer) const {
  const auto* at = static_cast<const char*>(pointer);
  return base_ != nullptr && at >= base_ && at < base_ + space_;
}

// The first `size` bytes of a free block come into use; the rest stays as it is.
void BlockArena::take(State state, Sizes::iterator fit, size_t size) {
  const auto [whole, offset] = *fit;
  sizes(state).erase(fit);
  blocks_[offset] = {size, State::kInUse};
  if (whole > size) {
    blocks_[offset + size] = {whole - size, state};
    sizes(state).emplace(whole - size, offset + size);
  }
}

// The block becomes free; neighbours in the same state become one with it.
void BlockArena::join(Blocks::iterator block, State state) {
  block->second.state = state;
  const auto next = std::next(block);
  if (next != blocks_.end() && next->second.state == state) {
    sizes(state).erase({next->second.size, next->first});
    block->second.size += next->second.size;
    blocks_.erase(next);
  }
  if (block != blocks_.begin()) {
    const auto previous = std::prev(block);
    if (previous->second.state == state) {
      sizes(state).erase({previous->second.size, previous->first});
      previous->second.size += block->second.size;
      blocks_.erase(block);
      block = previous;
    }
  }
  sizes(state).emplace(block->second.size, block->first);
}

// Gives back at least `bytes` of free pages, as far as there are: the ends of the largest blocks.
void BlockArena::cool(size_t bytes) {
  for (bytes = whole_pages(bytes); bytes > 0 && !warm_.empty();) {
    const auto largest = std::prev(warm_.end());
    const auto [size, offset] = *largest;
    const size_t part = std::min(size, bytes);
    const size_t begin = offset + size - part;
    warm_.erase(largest);
    if (part < size) {
      blocks_[offset].size = size - part;
      warm_.emplace(size - part, offset);
    }
    blocks_[begin] = {part, State::kCold};
    ::madvise(base_ + begin, part, MADV_DONTNEED);
    warm_bytes_ -= part;
    join(blocks_.find(begin), State::kCold);
    bytes -= part;
  }
}

void* BlockArena::allocate(size_t bytes) {
  const size_t size = whole_pages(bytes);
  const std::lock_guard lock(mutex_);
  const auto warm = warm_.lower_bound({size, 0});
  const auto cold = cold_.lower_bound({size, 0});
  size_t offset = 0;
  if (warm != warm_.end()) {
    offset = warm->second;
    warm_bytes_ -= size;
    take(State::kWarm, warm, size);
  } else if (cold != cold_.end()) {
    offset = cold->second;
    take(State::kCold, cold, size);
  } else {
    return nullptr;
  }
  in_use_ += size;
  peak_ = std::max(peak_, in_use_);
  if (in_use_ + warm_bytes_ > peak_) cool(in_use_ + warm_bytes_ - peak_);
  return base_ + offset;
}

void BlockArena::free(void* block) {
  const std::lock_guard lock(mutex_);
  UNLEARN_CHECK(owns(block), "a block of another heap");
  const auto found = blocks_.find(static_cast<size_t>(static_cast<char*>(block) - base_));
  UNLEARN_CHECK(found != blocks_.end() && found->second.state == State::kInUse,
                "no block in use starts here");
  in_use_ -= found->second.size;
  warm_bytes_ += found->second.size;
  join(found, State::kWarm);
}

void BlockArena::trim() {
  const std::lock_guard lock(mutex_);
  cool(warm_bytes_);
  peak_ = in_use_;
}

BlockArena::Usage BlockArena::usage() const {
  const std::lock_guard lock(mutex_);
  return {in_use_, peak_, in_use_ + warm_bytes_};
}

}  // namespace unlearn::runtime
