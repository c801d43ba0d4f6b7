#include "distributed/nccl.h"

#include <dlfcn.h>

#include <algorithm>
#include <exception>

#include "unlearn/core/error.h"
#include "unlearn/distributed/group.h"

namespace unlearn::distributed {
namespace {

constexpr int kSum = 0;  // ncclSum

void check(const NcclLibrary& library, int code, const char* what) {
  if (code != 0) throw ConnectionLost(cat("NCCL: ", what, ": ", library.error(code)));
}

template <class Function>
void find(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(handle, name));
  if (function == nullptr) user_error("libnccl.so.2 has no ", name, "; it is not that of LibTorch");
}

}  // namespace

NcclLibrary find_nccl() {
  void* handle = dlopen("libnccl.so.2", RTLD_NOW | RTLD_NOLOAD);
  if (handle == nullptr) {
    user_error("this LibTorch brings no libnccl.so.2, which several processes on GPUs need; ",
               "use scripts/setup.sh --cuda, or --device cpu");
  }
  NcclLibrary library;
  find(handle, "ncclGetUniqueId", library.get_unique_id);
  find(handle, "ncclCommInitRank", library.comm_init_rank);
  find(handle, "ncclCommDestroy", library.comm_destroy);
  find(handle, "ncclCommAbort", library.comm_abort);
  find(handle, "ncclReduce", library.reduce);
  find(handle, "ncclBroadcast", library.broadcast);
  find(handle, "ncclGetErrorString", library.error);
  return library;
}

std::string Nccl::make_id(const NcclLibrary& library) {
  NcclLibrary::Id id;
  check(library, library.get_unique_id(&id), "no id");
  return {id.bytes, NcclLibrary::kIdBytes};
}

Nccl::Nccl(const NcclLibrary& library, const std::string& id, int64_t rank, int64_t size)
    : library_(library) {
  NcclLibrary::Id bytes;
  UNLEARN_CHECK(id.size() == NcclLibrary::kIdBytes, id.size());
  std::copy(id.begin(), id.end(), bytes.bytes);
  check(library_,
        library_.comm_init_rank(&comm_, static_cast<int>(size), bytes, static_cast<int>(rank)),
        "the GPUs cannot be connected");
}

Nccl::~Nccl() {
  if (comm_ == nullptr) return;
  // After an error the others may never come to the end of what is queued.
  if (std::uncaught_exceptions() > 0) {
    library_.comm_abort(comm_);
  } else {
    library_.comm_destroy(comm_);
  }
}

void Nccl::reduce(void* data, int64_t count, NcclType type, int64_t root, void* stream) const {
  check(library_,
        library_.reduce(data, data, static_cast<size_t>(count), static_cast<int>(type), kSum,
                        static_cast<int>(root), comm_, stream),
        "reduce");
}

void Nccl::broadcast(void* data, int64_t count, NcclType type, int64_t root, void* stream) const {
  check(library_,
        library_.broadcast(data, data, static_cast<size_t>(count), static_cast<int>(type),
                           static_cast<int>(root), comm_, stream),
        "broadcast");
}

}  // namespace unlearn::distributed
