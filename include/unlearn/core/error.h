// The two kinds of error: the user's mistake, and ours.
#pragma once

#include <stdexcept>
#include <string>

#include "unlearn/core/printable.h"
#include "unlearn/core/strings.h"

namespace unlearn {

// A mistake in a flag, config, file, row or checkpoint. The message is one line that names the
// thing (file, row, key, tensor) and says what would be right. Exit code 2.
class UserError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Training met a NaN or an infinity; nothing past the last good step was saved. Exit code 3.
class NonFiniteError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A broken promise inside the program. Exit code 1.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// Stopped by a signal after the state was saved. Exit code 128 + signal.
class Interrupted : public std::runtime_error {
 public:
  explicit Interrupted(int signal)
      : std::runtime_error(cat("stopped by signal ", signal)), signal_(signal) {}
  int signal() const { return signal_; }

 private:
  int signal_;
};

// Names come from files: a line break or a NUL byte in one must not end the message.
template <class... Args>
[[noreturn]] void user_error(const Args&... args) {
  throw UserError(printable(cat(args...)));
}

}  // namespace unlearn

// Checks our own invariants: UNLEARN_CHECK(a == b, "sizes ", a, " and ", b).
#define UNLEARN_CHECK(condition, ...)                                                   \
  do {                                                                                  \
    if (!(condition)) {                                                                 \
      throw ::unlearn::InternalError(::unlearn::cat(                                    \
          __FILE__, ":", __LINE__, ": check failed: " #condition "; ", ##__VA_ARGS__)); \
    }                                                                                   \
  } while (false)
