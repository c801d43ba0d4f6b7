#include "unlearn/train/signals.h"

#include <ATen/Parallel.h>
#include <pthread.h>

#include <array>
#include <csignal>
#include <cstddef>

namespace unlearn::train {
namespace {

constexpr std::array kStops = {SIGINT, SIGTERM, SIGHUP};

volatile std::sig_atomic_t received_signal = 0;
volatile std::sig_atomic_t is_save_asked = 0;
volatile std::sig_atomic_t is_hangup_watched = 0;
// What the signals did before: who starts a run with nohup has SIGHUP ignored.
std::array<struct sigaction, kStops.size()> stops_before;
struct sigaction usr1_before, pipe_before;

// Handlers have a stack of their own. oneDNN's kernel for fp32 products lets the stack pointer
// point into a buffer of its data; a handler's frame would be written below it, over the heap. The
// stack is the calling thread's; the pool's other threads take none of these signals
// (keep_from_pool).
constexpr size_t kStackBytes = size_t{64} << 10;
alignas(64) std::array<std::byte, kStackBytes> handler_stack;
stack_t stack_before;

void remember_stop(int signal) {
  received_signal = signal;
  for (const int stop : kStops) {
    if (stop != SIGHUP || is_hangup_watched != 0) std::signal(stop, SIG_DFL);  // the next is final
  }
}

void remember_save(int) { is_save_asked = 1; }

void install(int signal, void (*handler)(int), struct sigaction& before) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  ::sigaction(signal, &action, &before);
}

// The system prefers the first thread, but a second signal before the first is handled may go to
// any. It stays so afterwards: the calling thread still takes them.
void keep_from_pool() {
  const pthread_t own = pthread_self();
  at::parallel_for(0, at::get_num_threads(), /*grain_size=*/1, [&](int64_t, int64_t) {
    if (pthread_equal(pthread_self(), own) != 0) return;
    sigset_t signals;
    sigemptyset(&signals);
    for (const int stop : kStops) sigaddset(&signals, stop);
    sigaddset(&signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  });
}

}  // namespace

SignalWatch::SignalWatch() {
  keep_from_pool();
  received_signal = 0;
  is_save_asked = 0;
  stack_t stack{};
  stack.ss_sp = handler_stack.data();
  stack.ss_size = handler_stack.size();
  ::sigaltstack(&stack, &stack_before);
  for (size_t i = 0; i < kStops.size(); ++i) {
    install(kStops[i], remember_stop, stops_before[i]);
    if (kStops[i] != SIGHUP) continue;
    is_hangup_watched = stops_before[i].sa_handler != SIG_IGN ? 1 : 0;
    if (is_hangup_watched == 0) ::sigaction(SIGHUP, &stops_before[i], nullptr);
  }
  install(SIGUSR1, remember_save, usr1_before);
  install(SIGPIPE, SIG_IGN, pipe_before);
}

SignalWatch::~SignalWatch() {
  for (size_t i = 0; i < kStops.size(); ++i) ::sigaction(kStops[i], &stops_before[i], nullptr);
  ::sigaction(SIGUSR1, &usr1_before, nullptr);
  ::sigaction(SIGPIPE, &pipe_before, nullptr);
  ::sigaltstack(&stack_before, nullptr);
}

void SignalWatch::ignore_outside() {
  std::signal(SIGUSR1, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
}

int SignalWatch::received() { return received_signal; }

bool SignalWatch::take_save_request() {
  const bool is_asked = is_save_asked != 0;
  is_save_asked = 0;
  return is_asked;
}

}  // namespace unlearn::train
