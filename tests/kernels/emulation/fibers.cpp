// Threads of a block as fibers: each runs until it waits or ends, in an order that is drawn anew
// for every round.
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "cuda_runtime.h"

namespace unlearn::emulation {

Indices indices;

namespace {

constexpr size_t kStackBytes = size_t{1} << 16;

enum class Wait { kWarp, kBlock, kEnded };

struct Fiber {
  ucontext_t context;
  std::unique_ptr<char[]> stack = std::make_unique<char[]>(kStackBytes);
  Wait waits_for = Wait::kEnded;
  // Two slots in turn: a thread can leave a value again only after all have picked up the last but
  // one, so one barrier per shuffle is enough.
  std::array<std::array<unsigned char, kSlotBytes>, 2> slots = {};
  unsigned shuffles = 0;
};

std::vector<std::unique_ptr<Fiber>> fibers;
ucontext_t scheduler;
const std::function<void()>* running_kernel = nullptr;

Fiber& current() { return *fibers[indices.thread.x]; }

void wait(Wait what) {
  const unsigned own = indices.thread.x;
  current().waits_for = what;
  swapcontext(&fibers[own]->context, &scheduler);
}

void enter() {
  (*running_kernel)();
  wait(Wait::kEnded);
}

void prepare(Fiber& fiber) {
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack.get();
  fiber.context.uc_stack.ss_size = kStackBytes;
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, enter, 0);
  fiber.shuffles = 0;
}

// The fibers of a block that can go on, and how many wait where.
class Schedule {
 public:
  Schedule(unsigned threads, bool runs_ahead, std::mt19937& random)
      : threads_(threads),
        runs_ahead_(runs_ahead),
        random_(random),
        in_warp_((threads + kWarpThreads - 1) / kWarpThreads) {
    for (unsigned i = 0; i < threads; ++i) ready_.push_back(i);
    std::shuffle(ready_.begin(), ready_.end(), random_);
  }
  bool has_ready() const { return !ready_.empty(); }
  bool has_ended() const { return ended_ == threads_; }

  unsigned take() {
    if (!runs_ahead_) std::swap(ready_[random_() % ready_.size()], ready_.back());
    const unsigned next = ready_.back();
    ready_.pop_back();
    return next;
  }
  // What the fiber waits for now; the last one to come lets all of them go.
  void put(unsigned fiber) {
    const Wait what = fibers[fiber]->waits_for;
    if (what == Wait::kEnded) {
      ++ended_;
    } else if (what == Wait::kBlock) {
      if (++in_block_ == threads_) release(0, threads_, in_block_);
    } else {
      const unsigned warp = fiber / kWarpThreads;
      const unsigned begin = warp * kWarpThreads;
      const unsigned end = std::min(begin + kWarpThreads, threads_);
      if (++in_warp_[warp] == end - begin) release(begin, end, in_warp_[warp]);
    }
  }

 private:
  void release(unsigned begin, unsigned end, unsigned& count) {
    count = 0;
    for (unsigned i = begin; i < end; ++i) ready_.push_back(i);
  }

  unsigned threads_;
  bool runs_ahead_;
  std::mt19937& random_;
  std::vector<unsigned> ready_;
  std::vector<unsigned> in_warp_;
  unsigned in_block_ = 0;
  unsigned ended_ = 0;
};

void run_block(unsigned threads, bool runs_ahead, std::mt19937& random) {
  for (unsigned i = 0; i < threads; ++i) prepare(*fibers[i]);
  Schedule schedule(threads, runs_ahead, random);
  while (schedule.has_ready()) {
    const unsigned next = schedule.take();
    indices.thread.x = next;
    swapcontext(&scheduler, &fibers[next]->context);
    schedule.put(next);
  }
  if (!schedule.has_ended()) {
    std::fputs("emulated kernel: threads of a block wait for different barriers\n", stderr);
    std::abort();
  }
}

}  // namespace

void wait_for_block() { wait(Wait::kBlock); }
void wait_for_warp() { wait(Wait::kWarp); }

void leave(const void* value, size_t bytes) {
  Fiber& fiber = current();
  std::memcpy(fiber.slots[++fiber.shuffles % 2].data(), value, bytes);
}

void pick_up(int lane, void* value, size_t bytes) {
  const unsigned warp = indices.thread.x / kWarpThreads * kWarpThreads;
  const Fiber& other = *fibers[warp + static_cast<unsigned>(lane)];
  std::memcpy(value, other.slots[current().shuffles % 2].data(), bytes);
}

void run(dim3 blocks, dim3 threads, const std::function<void()>& kernel) {
  while (fibers.size() < threads.x) fibers.push_back(std::make_unique<Fiber>());
  running_kernel = &kernel;
  indices.threads = threads;
  indices.blocks = blocks;
  std::mt19937 random(1);
  for (unsigned block = 0; block < blocks.x; ++block) {
    indices.block.x = block;
    run_block(threads.x, block % 2 == 0, random);
  }
}

}  // namespace unlearn::emulation
