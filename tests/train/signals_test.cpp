#include "unlearn/train/signals.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace unlearn::train {
namespace {

TEST(Signals, StopsAndRequestsAreRemembered) {
  for (const int stop : {SIGINT, SIGTERM, SIGHUP}) {
    const SignalWatch watch;
    EXPECT_EQ(SignalWatch::received(), 0);
    std::raise(SIGUSR1);
    std::raise(SIGPIPE);
    EXPECT_EQ(SignalWatch::received(), 0);
    EXPECT_TRUE(SignalWatch::take_save_request());
    EXPECT_FALSE(SignalWatch::take_save_request());
    std::raise(stop);
    EXPECT_EQ(SignalWatch::received(), stop);
  }
}

// Runs `action` in a child and returns the signal that ended it, or 0.
template <class Action>
int end_of(const Action& action) {
  const pid_t child = ::fork();
  if (child == 0) {
    action();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(Signals, ASecondOneOfAnyKindIsFinal) {
  for (const auto& [first, second] : {std::pair(SIGINT, SIGTERM), std::pair(SIGTERM, SIGTERM),
                                      std::pair(SIGHUP, SIGINT), std::pair(SIGINT, SIGHUP)}) {
    EXPECT_EQ(end_of([&] {
                const SignalWatch watch;
                std::raise(first);
                std::raise(second);
              }),
              second);
  }
}

// As nohup leaves it.
TEST(Signals, AnIgnoredHangupStaysIgnored) {
  EXPECT_EQ(end_of([] {
              std::signal(SIGHUP, SIG_IGN);
              const SignalWatch watch;
              std::raise(SIGHUP);
              if (SignalWatch::received() != 0) std::raise(SIGKILL);
              std::raise(SIGTERM);
              std::raise(SIGHUP);
            }),
            0);
}

}  // namespace
}  // namespace unlearn::train
