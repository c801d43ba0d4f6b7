#include "unlearn/distributed/processes.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "unlearn/core/error.h"
#include "unlearn/distributed/launch.h"

namespace unlearn::distributed {
namespace {

constexpr int kSignalled = 128;  // a shell's exit code for signal N is this + N
// When a process has ended badly, the others have so many seconds to end by themselves; the first
// one, which may be saving, so many more.
constexpr unsigned kGrace = 30;
constexpr unsigned kGraceOfFirst = 600;
constexpr int kWatched[] = {SIGCHLD, SIGALRM, SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGTSTP};

// A port that nothing listens on at this moment.
int64_t free_port() {
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  const bool found = descriptor >= 0 && bind(descriptor, any, length) == 0 &&
                     getsockname(descriptor, any, &length) == 0;
  if (descriptor >= 0) close(descriptor);
  if (!found) user_error("--nproc: no free port on this machine: ", std::strerror(errno));
  return ntohs(address.sin_port);
}

[[noreturn]] void become(int64_t rank, int64_t processes, int64_t port, pid_t parent,
                         const sigset_t& signals, const std::vector<std::string>& arguments) {
  sigprocmask(SIG_SETMASK, &signals, nullptr);
  // Ctrl-C reaches the parent alone, which passes it on once; a killed parent takes all with it.
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  const std::pair<const char*, std::string> variables[] = {
      {"RANK", std::to_string(rank)},
      {"LOCAL_RANK", std::to_string(rank)},
      {"WORLD_SIZE", std::to_string(processes)},
      {"MASTER_ADDR", "127.0.0.1"},
      {"MASTER_PORT", std::to_string(port)}};
  for (const auto& [name, value] : variables) setenv(name, value.c_str(), 1);
  std::vector<char*> words;
  std::string program = "unlearn";
  words.push_back(program.data());
  std::vector<std::string> copies = arguments;
  for (std::string& argument : copies) words.push_back(argument.data());
  words.push_back(nullptr);
  execv("/proc/self/exe", words.data());
  _exit(1);
}

class Children {
 public:
  void add(pid_t process) { running_.push_back(process); }
  bool any() const { return std::any_of(running_.begin(), running_.end(), is_running); }

  void send(int signal, size_t from = 0) const {
    for (size_t rank = from; rank < running_.size(); ++rank) {
      if (is_running(running_[rank])) kill(running_[rank], signal);
    }
  }

  // Takes notice of all that have ended. Whether one ended badly.
  bool reap() {
    bool is_bad = false;
    int status = 0;
    for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;) {
      const auto found = std::find(running_.begin(), running_.end(), ended);
      if (found == running_.end()) continue;
      const auto rank = found - running_.begin();
      *found = 0;
      if (WIFSIGNALED(status)) {
        const int signal = WTERMSIG(status);
        std::cerr << cat("process ", rank, " was killed by signal ", signal, "\n") << std::flush;
        killed_ = kSignalled + signal;
      } else if (const int code = WEXITSTATUS(status); code != 0) {
        (rank == 0 ? first_ : other_) = code;
      }
      is_bad = is_bad || status != 0;
    }
    return is_bad;
  }

  int code() const { return killed_ != 0 ? killed_ : first_ != 0 ? first_ : other_; }

 private:
  static bool is_running(pid_t process) { return process != 0; }

  std::vector<pid_t> running_;  // by rank; 0 when it has ended
  int killed_ = 0, first_ = 0, other_ = 0;
};

}  // namespace

int run_processes(int64_t processes, const std::vector<std::string>& arguments) {
  const int64_t port = free_port();
  const pid_t parent = getpid();
  std::signal(SIGCHLD, SIG_DFL);  // whoever started this may have ignored it
  // Blocked, so that none is missed between two looks at them.
  sigset_t watched, before;
  sigemptyset(&watched);
  for (const int signal : kWatched) sigaddset(&watched, signal);
  sigprocmask(SIG_BLOCK, &watched, &before);
  Children children;
  for (int64_t rank = 0; rank < processes; ++rank) {
    const pid_t child = fork();
    if (child == 0) become(rank, processes, port, parent, before, arguments);
    if (child < 0) {
      children.send(SIGKILL);
      user_error("--nproc: cannot start process ", rank, ": ", std::strerror(errno));
    }
    children.add(child);
  }
  bool is_stopping = false;  // on demand: all end as they should
  bool is_late = false;
  while (children.any()) {
    const int signal = sigwaitinfo(&watched, nullptr);
    if (signal == SIGCHLD) {
      if (children.reap() && !is_stopping && !is_late) alarm(kGrace);
    } else if (signal == SIGALRM) {
      children.send(SIGKILL, is_late ? 0 : 1);
      is_late = true;
      alarm(kGraceOfFirst);
    } else if (signal == SIGTSTP) {  // Ctrl-Z
      children.send(SIGSTOP);
      raise(SIGSTOP);
      children.send(SIGCONT);
    } else if (signal == SIGUSR1) {  // a checkpoint, and on
      children.send(signal);
    } else if (signal > 0) {
      is_stopping = true;
      children.send(signal);
    }
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return children.code();
}

}  // namespace unlearn::distributed
