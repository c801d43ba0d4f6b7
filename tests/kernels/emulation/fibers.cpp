// Threads of a block as fibers: each runs until it waits or ends, in an order that is drawn anew
// for every round.
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "cuda_runtime.h"

namespace unlearn::emulation {

Indices indices;

namespace {

constexpr size_t kStackBytes = size_t{1} << 16;

enum class Wait { kNothing, kWarp, kBlock, kEnded };

struct Fiber {
  ucontext_t context;
  std::unique_ptr<char[]> stack = std::make_unique<char[]>(kStackBytes);
  Wait waits_for = Wait::kNothing;
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
  fiber.waits_for = Wait::kNothing;
  fiber.shuffles = 0;
}

// Lets go whoever waits in [begin, end) if all of them wait for `what`.
bool release(unsigned begin, unsigned end, Wait what) {
  for (unsigned i = begin; i < end; ++i) {
    if (fibers[i]->waits_for != what) return false;
  }
  for (unsigned i = begin; i < end; ++i) fibers[i]->waits_for = Wait::kNothing;
  return true;
}

bool release_any(unsigned threads) {
  bool any = release(0, threads, Wait::kBlock);
  for (unsigned begin = 0; begin < threads; begin += kWarpThreads) {
    any = release(begin, std::min(begin + kWarpThreads, threads), Wait::kWarp) || any;
  }
  return any;
}

void run_block(unsigned threads, std::mt19937& random) {
  for (unsigned i = 0; i < threads; ++i) prepare(*fibers[i]);
  std::vector<unsigned> order(threads);
  std::iota(order.begin(), order.end(), 0U);
  while (true) {
    std::shuffle(order.begin(), order.end(), random);
    for (const unsigned i : order) {
      if (fibers[i]->waits_for != Wait::kNothing) continue;
      indices.thread.x = i;
      swapcontext(&scheduler, &fibers[i]->context);
    }
    const bool has_ended = std::all_of(order.begin(), order.end(), [](unsigned i) {
      return fibers[i]->waits_for == Wait::kEnded;
    });
    if (has_ended) return;
    if (!release_any(threads)) {
      std::fputs("emulated kernel: threads of a block wait for different barriers\n", stderr);
      std::abort();
    }
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
    run_block(threads.x, random);
  }
}

}  // namespace unlearn::emulation
