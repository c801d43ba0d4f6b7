// NCCL (https://docs.nvidia.com/deeplearning/nccl/), which libtorch_cuda.so brings along: exchanges
// between GPUs, on the streams that compute.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace unlearn::distributed {

// The functions of libnccl.so.2 that are used, as its C interface has them.
struct NcclLibrary {
  static constexpr size_t kIdBytes = 128;
  struct Id {
    char bytes[kIdBytes];
  };
  int (*get_unique_id)(Id* id) = nullptr;
  int (*comm_init_rank)(void** comm, int size, Id id, int rank) = nullptr;
  int (*comm_destroy)(void* comm) = nullptr;
  int (*comm_abort)(void* comm) = nullptr;
  int (*reduce)(const void* from, void* to, size_t count, int type, int operation, int root,
                void* comm, void* stream) = nullptr;
  int (*broadcast)(const void* from, void* to, size_t count, int type, int root, void* comm,
                   void* stream) = nullptr;
  const char* (*error)(int code) = nullptr;
};

// Of the NCCL that the process has loaded with LibTorch. UserError when there is none.
NcclLibrary find_nccl();

enum class NcclType : int { kFloat32 = 7, kFloat64 = 8, kBfloat16 = 9 };

// One process's end, on the GPU that is in use when it is made.
class Nccl {
 public:
  // What the first process makes and gives to the others.
  static std::string make_id(const NcclLibrary& library);
  Nccl(const NcclLibrary& library, const std::string& id, int64_t rank, int64_t size);
  ~Nccl();
  Nccl(const Nccl&) = delete;
  Nccl& operator=(const Nccl&) = delete;

  // In place, queued on the stream. ConnectionLost when NCCL refuses.
  void reduce(void* data, int64_t count, NcclType type, int64_t root, void* stream) const;
  void broadcast(void* data, int64_t count, NcclType type, int64_t root, void* stream) const;

 private:
  NcclLibrary library_;
  void* comm_ = nullptr;
};

}  // namespace unlearn::distributed
