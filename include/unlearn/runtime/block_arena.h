// A heap for large blocks whose resident memory never exceeds what was in use at one time.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <utility>

namespace unlearn::runtime {

// Blocks lie in one reserved range of addresses. A freed block keeps its pages for the next one
// that fits into it; when a request fits none, it gets fresh pages, and as many pages of freed
// blocks go back to the system as resident memory would otherwise exceed the peak of what was in
// use. So steps that repeat with other sizes neither grow the process nor fault pages in anew.
class BlockArena {
 public:
  // Reserves addresses, which takes no memory. Where the system refuses, allocate() returns null.
  explicit BlockArena(size_t address_space);
  ~BlockArena();
  BlockArena(const BlockArena&) = delete;
  BlockArena& operator=(const BlockArena&) = delete;

  // At least `bytes`, starting at a page; null when no addresses are left. Contents are arbitrary.
  void* allocate(size_t bytes);
  void free(void* block);  // of this arena
  bool owns(const void* pointer) const;

  // Gives the pages of all free blocks back and forgets the peak.
  void trim();

  // Bytes of blocks in use, their peak, and of all blocks that may hold pages.
  struct Usage {
    size_t in_use, peak, resident;
  };
  Usage usage() const;

 private:
  enum class State { kInUse, kWarm, kCold };  // kWarm: free with its pages, kCold: free without
  struct Block {
    size_t size;
    State state;
  };
  using Blocks = std::map<size_t, Block>;             // by offset, without gaps
  using Sizes = std::set<std::pair<size_t, size_t>>;  // free blocks: size, offset

  Sizes& sizes(State state) { return state == State::kWarm ? warm_ : cold_; }
  void take(State state, Sizes::iterator fit, size_t size);
  void join(Blocks::iterator block, State state);
  void cool(size_t bytes);

  char* base_ = nullptr;
  size_t space_ = 0;
  mutable std::mutex mutex_;
  Blocks blocks_;
  Sizes warm_, cold_;
  size_t in_use_ = 0, warm_bytes_ = 0, peak_ = 0;
};

}  // namespace unlearn::runtime
