// That NCCL is asked for the right things; there is no GPU in this test, so threads add up host
// memory in its place.
#include "distributed/nccl.h"

#include <gtest/gtest.h>

#include <barrier>
#include <cstring>
#include <thread>
#include <vector>

#include "unlearn/core/error.h"
#include "unlearn/distributed/group.h"

namespace unlearn::distributed {
namespace {

constexpr int kRanks = 2;

struct Call {
  int type, operation, root;
  void* stream;
};

// What stands in for the GPUs.
struct Machine {
  std::barrier<> all{kRanks};
  float* buffers[kRanks] = {};
  std::vector<Call> calls[kRanks];
};
Machine machine;
int ranks[kRanks] = {0, 1};  // a communicator is a pointer to its rank

int rank_of(void* comm) { return *static_cast<int*>(comm); }

int get_unique_id(NcclLibrary::Id* id) {
  std::memset(id->bytes, 0, sizeof(id->bytes));  // zeros must be broadcast too
  id->bytes[5] = 'x';
  return 0;
}

int comm_init_rank(void** comm, int size, NcclLibrary::Id id, int rank) {
  if (size != kRanks || id.bytes[5] != 'x' || id.bytes[4] != 0) return 4;
  *comm = &ranks[rank];
  return 0;
}

int comm_destroy(void*) { return 0; }

int reduce(const void* from, void* to, size_t count, int type, int operation, int root, void* comm,
           void* stream) {
  const int rank = rank_of(comm);
  if (from != to) return 4;
  machine.calls[rank].push_back({type, operation, root, stream});
  machine.buffers[rank] = static_cast<float*>(to);
  machine.all.arrive_and_wait();
  if (rank == root) {
    for (size_t i = 0; i < count; ++i) {
      machine.buffers[root][i] = machine.buffers[0][i] + machine.buffers[1][i];
    }
  }
  machine.all.arrive_and_wait();
  return 0;
}

int broadcast(const void* from, void* to, size_t count, int type, int root, void* comm,
              void* stream) {
  const int rank = rank_of(comm);
  if (from != to) return 4;
  machine.calls[rank].push_back({type, -1, root, stream});
  machine.buffers[rank] = static_cast<float*>(to);
  machine.all.arrive_and_wait();
  if (rank != root) std::memcpy(to, machine.buffers[root], count * sizeof(float));
  machine.all.arrive_and_wait();
  return 0;
}

int refuse(const void*, void*, size_t, int, int, void*, void*) { return 6; }
const char* error(int code) { return code == 6 ? "remote process exited" : "invalid"; }

NcclLibrary stand_in() {
  return {get_unique_id, comm_init_rank, comm_destroy, comm_destroy, reduce, broadcast, error};
}

TEST(NcclTest, ReducesAndBroadcastsInPlace) {
  for (auto& calls : machine.calls) calls.clear();  // of a repeated test
  const NcclLibrary library = stand_in();
  const std::string id = Nccl::make_id(library);
  ASSERT_EQ(id.size(), NcclLibrary::kIdBytes);
  int stream = 0;
  std::vector<float> data[kRanks] = {{1, 2, 3}, {10, 20, 30}};
  std::vector<std::thread> threads;
  for (int rank = 0; rank < kRanks; ++rank) {
    threads.emplace_back([&, rank] {
      const Nccl nccl(library, id, rank, kRanks);
      auto& own = data[rank];
      nccl.reduce(own.data(), 3, NcclType::kFloat32, 1, &stream);
      nccl.broadcast(own.data(), 2, NcclType::kBfloat16, 1, &stream);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(data[1], (std::vector<float>{11, 22, 33}));
  EXPECT_EQ(data[0], (std::vector<float>{11, 22, 3}));
  for (const auto& calls : machine.calls) {
    ASSERT_EQ(calls.size(), 2U);
    // nccl.h: ncclFloat32, ncclBfloat16, ncclSum.
    EXPECT_EQ(calls[0].type, 7);
    EXPECT_EQ(calls[0].operation, 0);
    EXPECT_EQ(calls[1].type, 9);
    for (const Call& call : calls) {
      EXPECT_EQ(call.root, 1);
      EXPECT_EQ(call.stream, &stream);
    }
  }
}

TEST(NcclTest, WithoutLibTorchsCudaHalfThereIsNone) {
  try {
    find_nccl();
    FAIL() << "nothing was thrown";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("brings no libnccl.so.2"), std::string::npos);
  }
}

TEST(NcclTest, ARefusalIsALostConnection) {
  NcclLibrary library = stand_in();
  library.broadcast = refuse;
  const Nccl nccl(library, Nccl::make_id(library), 0, kRanks);
  float value = 1;
  try {
    nccl.broadcast(&value, 1, NcclType::kFloat32, 0, nullptr);
    FAIL() << "nothing was thrown";
  } catch (const ConnectionLost& lost) {
    EXPECT_STREQ(lost.what(), "NCCL: broadcast: remote process exited");
  }
}

}  // namespace
}  // namespace unlearn::distributed
