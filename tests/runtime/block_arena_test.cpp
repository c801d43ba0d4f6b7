#include "unlearn/runtime/block_arena.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

namespace unlearn::runtime {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

// What the system says about the pages behind a range.
size_t pages_in_core(const void* begin, size_t bytes) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> states((bytes + page - 1) / page);
  EXPECT_EQ(::mincore(const_cast<void*>(begin), bytes, states.data()), 0);
  return static_cast<size_t>(
      std::count_if(states.begin(), states.end(), [](unsigned char state) { return state & 1; }));
}

TEST(BlockArenaTest, AFreedBlockIsUsedAgain) {
  BlockArena arena(64 * kMiB);
  void* first = arena.allocate(3 * kMiB);
  void* second = arena.allocate(1);
  ASSERT_NE(first, nullptr);
  std::memset(first, 1, 3 * kMiB);
  EXPECT_TRUE(arena.owns(first) && arena.owns(second));
  EXPECT_FALSE(arena.owns(&arena));
  arena.free(first);
  EXPECT_EQ(arena.allocate(2 * kMiB), first);  // its pages are there already
  arena.free(first);
  arena.free(second);
  EXPECT_EQ(arena.usage().in_use, 0U);
}

TEST(BlockArenaTest, FreeNeighboursBecomeOne) {
  BlockArena arena(64 * kMiB);
  std::vector<void*> blocks;
  for (int i = 0; i < 4; ++i) blocks.push_back(arena.allocate(kMiB));
  for (const int i : {0, 2, 1}) arena.free(blocks[static_cast<size_t>(i)]);
  EXPECT_EQ(arena.allocate(3 * kMiB), blocks[0]);
  EXPECT_EQ(arena.usage().resident, 4 * kMiB);
}

// Holes that nothing fits into are given back for what did not fit.
TEST(BlockArenaTest, ResidentMemoryStaysAtThePeakOfUse) {
  BlockArena arena(256 * kMiB);
  std::vector<void*> blocks;
  for (int i = 0; i < 16; ++i) {
    blocks.push_back(arena.allocate(kMiB));
    std::memset(blocks.back(), 1, kMiB);
  }
  for (size_t i = 0; i < 16; i += 2) arena.free(blocks[i]);
  void* large = arena.allocate(8 * kMiB);
  std::memset(large, 1, 8 * kMiB);
  EXPECT_EQ(arena.usage().peak, 16 * kMiB);
  EXPECT_EQ(arena.usage().resident, 16 * kMiB);
  const char* begin = static_cast<char*>(blocks[0]);
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  EXPECT_LE(pages_in_core(begin, 32 * kMiB) * page, 16 * kMiB);
  for (size_t i = 1; i < 16; i += 2) EXPECT_EQ(static_cast<char*>(blocks[i])[kMiB - 1], 1);
}

TEST(BlockArenaTest, TrimGivesEverythingFreeBack) {
  BlockArena arena(64 * kMiB);
  void* kept = arena.allocate(kMiB);
  void* freed = arena.allocate(8 * kMiB);
  std::memset(kept, 1, kMiB);
  std::memset(freed, 1, 8 * kMiB);
  arena.free(freed);
  EXPECT_EQ(arena.usage().resident, 9 * kMiB);
  arena.trim();
  EXPECT_EQ(arena.usage().resident, kMiB);
  EXPECT_EQ(arena.usage().peak, kMiB);
  EXPECT_EQ(pages_in_core(freed, 8 * kMiB), 0U);
}

TEST(BlockArenaTest, NullWhenNoAddressesAreLeft) {
  BlockArena arena(4 * kMiB);
  EXPECT_EQ(arena.allocate(5 * kMiB), nullptr);
  void* all = arena.allocate(4 * kMiB);
  EXPECT_NE(all, nullptr);
  EXPECT_EQ(arena.allocate(1), nullptr);
  arena.free(all);
  EXPECT_EQ(arena.allocate(4 * kMiB), all);
  BlockArena impossible(size_t{1} << 60);
  EXPECT_EQ(impossible.allocate(1), nullptr);
}

// Blocks never overlap, keep their contents, and the books stay right over many random steps.
TEST(BlockArenaTest, RandomUse) {
  BlockArena arena(512 * kMiB);
  std::mt19937 random(7);
  struct Held {
    unsigned char* data;
    size_t size;
    unsigned char mark;
  };
  std::vector<Held> held;
  size_t in_use = 0, peak = 0;
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < 4000; ++i) {
    if (held.size() < 40 && (held.empty() || random() % 2 == 0)) {
      const size_t size = 1 + random() % (random() % 8 == 0 ? kMiB : 64 * 1024);
      Held block{static_cast<unsigned char*>(arena.allocate(size)), size,
                 static_cast<unsigned char>(random())};
      ASSERT_NE(block.data, nullptr);
      std::memset(block.data, block.mark, size);
      held.push_back(block);
      in_use += (size + page - 1) / page * page;
      peak = std::max(peak, in_use);
    } else {
      const size_t at = random() % held.size();
      const Held block = held[at];
      EXPECT_EQ(std::count(block.data, block.data + block.size, block.mark),
                static_cast<std::ptrdiff_t>(block.size));
      arena.free(block.data);
      in_use -= (block.size + page - 1) / page * page;
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
    }
    const BlockArena::Usage usage = arena.usage();
    ASSERT_EQ(usage.in_use, in_use);
    ASSERT_EQ(usage.peak, peak);
    ASSERT_LE(usage.resident, peak);
  }
}

}  // namespace
}  // namespace unlearn::runtime
