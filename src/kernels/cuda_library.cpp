#include "unlearn/kernels/cuda_library.h"

#include <dlfcn.h>

#include <filesystem>
#include <mutex>

namespace unlearn::kernels {
namespace {

namespace fs = std::filesystem;

std::mutex mutex;
bool is_loaded = false;
CudaLibrary library;

std::string last_error() {
  const char* text = dlerror();
  return text == nullptr ? "unknown error" : text;
}

// Tries the program's folder (a build), its ../lib/unlearn (an installation) and the system's
// search path.
void* open_library(const char* name, int flags) {
  std::error_code failure;
  const fs::path program = fs::read_symlink("/proc/self/exe", failure);
  if (!failure) {
    for (const fs::path& folder :
         {program.parent_path(), program.parent_path().parent_path() / "lib/unlearn"}) {
      if (!fs::exists(folder / name)) continue;
      if (void* handle = dlopen((folder / name).c_str(), flags)) return handle;
    }
  }
  return dlopen(name, flags);
}

template <class Function>
bool find(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(handle, name));
  return function != nullptr;
}

bool find_all(void* handle, CudaLibrary& found) {
  return find(handle, "unlearn_cuda_adamw", found.adamw) &&
         find(handle, "unlearn_cuda_sum_squares", found.sum_squares) &&
         find(handle, "unlearn_cuda_row_lse", found.row_lse) &&
         find(handle, "unlearn_cuda_row_dlogits", found.row_dlogits) &&
         find(handle, "unlearn_cuda_row_kl", found.row_kl) &&
         find(handle, "unlearn_cuda_rms_norm_forward", found.rms_norm_forward) &&
         find(handle, "unlearn_cuda_rms_norm_backward", found.rms_norm_backward) &&
         find(handle, "unlearn_cuda_rotary", found.rotary) &&
         find(handle, "unlearn_cuda_swiglu_forward", found.swiglu_forward) &&
         find(handle, "unlearn_cuda_swiglu_backward", found.swiglu_backward) &&
         find(handle, "unlearn_cuda_dropout", found.dropout) &&
         find(handle, "unlearn_cuda_fp8_rows", found.fp8_rows) &&
         find(handle, "unlearn_cuda_fp8_columns", found.fp8_columns) &&
         find(handle, "unlearn_cuda_unpack", found.unpack) &&
         find(handle, "unlearn_cuda_error", found.error);
}

}  // namespace

std::string load_cuda() {
  const std::lock_guard lock(mutex);
  if (is_loaded) return "";
  // Registers LibTorch's CUDA operators with the program's libtorch_cpu; brings libcudart along.
  if (open_library("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    return "libtorch_cuda.so cannot be loaded (" + last_error() + "); scripts/setup.sh --cuda";
  }
  void* handle = open_library("libunlearn_cuda.so", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return "libunlearn_cuda.so cannot be loaded (" + last_error() + "); build where nvcc is found";
  }
  if (!find_all(handle, library))
    return "libunlearn_cuda.so is of another version: " + last_error();
  is_loaded = true;
  return "";
}

const CudaLibrary* cuda_library() { return is_loaded ? &library : nullptr; }

}  // namespace unlearn::kernels
