// Counts how often a program waits for its GPU, to show that a training step does so no more than
// it must. Preloaded: LD_PRELOAD=build/bench/libcuda_waits.so unlearn …; a line on stderr at the
// end. Two runs of different lengths give the number per step.
#include <dlfcn.h>

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace {

std::atomic<long> stream_waits{0}, device_waits{0}, event_waits{0}, blocking_copies{0};

// The runtime's own function; the program has loaded the library by the time it calls one.
template <class Function>
Function* own(const char* name) {
  void* library = dlopen("libcudart.so.13", RTLD_LAZY | RTLD_NOLOAD);
  void* function = library == nullptr ? nullptr : dlsym(library, name);
  if (function == nullptr) {
    std::fprintf(stderr, "cuda_waits: no %s in libcudart.so.13\n", name);
    std::abort();
  }
  return reinterpret_cast<Function*>(function);
}

struct Report {
  ~Report() {
    std::fprintf(stderr, "cuda_waits: stream %ld, device %ld, event %ld, blocking copy %ld\n",
                 stream_waits.load(), device_waits.load(), event_waits.load(),
                 blocking_copies.load());
  }
} report;

}  // namespace

extern "C" {
int cudaStreamSynchronize(void* stream) {
  static auto* const call = own<int(void*)>("cudaStreamSynchronize");
  ++stream_waits;
  return call(stream);
}
int cudaDeviceSynchronize() {
  static auto* const call = own<int()>("cudaDeviceSynchronize");
  ++device_waits;
  return call();
}
int cudaEventSynchronize(void* event) {
  static auto* const call = own<int(void*)>("cudaEventSynchronize");
  ++event_waits;
  return call(event);
}
int cudaMemcpy(void* to, const void* from, size_t bytes, int kind) {
  static auto* const call = own<int(void*, const void*, size_t, int)>("cudaMemcpy");
  ++blocking_copies;
  return call(to, from, bytes, kind);
}
}
