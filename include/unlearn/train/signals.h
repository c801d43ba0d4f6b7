// SIGINT and SIGTERM end a run after the current step, with a checkpoint.
#pragma once

namespace unlearn::train {

// While alive, the two signals only set a flag; a second one ends the process at once.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  // The signal received, or 0.
  static int received();
};

}  // namespace unlearn::train
