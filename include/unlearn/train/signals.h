// Signals to a run: some end it after the current step, with a checkpoint; one asks for a
// checkpoint.
#pragma once

namespace unlearn::train {

// While alive, SIGINT, SIGTERM and SIGHUP set a flag, and a second of them, of any kind, ends the
// process at once; SIGUSR1 asks for a checkpoint; a reader of the log that goes away (SIGPIPE) does
// not end the run. Afterwards the signals do what they did before.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  // For all of a long job that is no step of a training: there is nothing to save on SIGUSR1, and
  // SIGPIPE ends nothing.
  static void ignore_outside();
  // The signal that ends the run, or 0.
  static int received();
  // Whether a checkpoint was asked for since the last call.
  static bool take_save_request();
};

}  // namespace unlearn::train
