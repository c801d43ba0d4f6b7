#include "core/map_guard.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <mutex>

namespace unlearn {
namespace {

// Read by a signal handler, so nothing here is ever freed or moved.
struct Guard {
  std::atomic<uintptr_t> begin = 0, end = 0;  // begin 0: free
  std::array<char, 4096> path{};
};
constexpr size_t kGuards = 1024;  // more files than that are mapped without one
std::array<Guard, kGuards> guards;
std::mutex guards_mutex;

void tell(const char* text) {
  const ssize_t ignored = ::write(STDERR_FILENO, text, std::strlen(text));
  static_cast<void>(ignored);
}

void on_bus_error(int signal, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  for (const Guard& guard : guards) {
    if (guard.begin == 0 || address < guard.begin || address >= guard.end) continue;
    constexpr int kUserError = 2;
    tell("error: ");
    tell(guard.path.data());
    tell(": cannot be read where it was readable before: it was cut short, or its disk fails\n");
    ::_exit(kUserError);
  }
  std::signal(signal, SIG_DFL);  // not ours: the access is repeated, and ends the process
}

}  // namespace

void begin_guard(const void* data, size_t size, const std::string& path) {
  const std::scoped_lock lock(guards_mutex);
  static const int installed = [] {
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO;
    return ::sigaction(SIGBUS, &action, nullptr);
  }();
  static_cast<void>(installed);
  for (Guard& guard : guards) {
    if (guard.begin != 0) continue;
    std::strncpy(guard.path.data(), path.c_str(), guard.path.size() - 1);
    guard.end = reinterpret_cast<uintptr_t>(data) + size;
    guard.begin = reinterpret_cast<uintptr_t>(data);
    return;
  }
}

void end_guard(const void* data) {
  const std::scoped_lock lock(guards_mutex);
  for (Guard& guard : guards) {
    if (guard.begin == reinterpret_cast<uintptr_t>(data)) guard.begin = 0;
  }
}

}  // namespace unlearn
