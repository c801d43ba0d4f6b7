// --nproc: several processes of this program on one machine.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "unlearn/core/error.h"
#include "unlearn/distributed/launch.h"

namespace unlearn::distributed {
namespace {

constexpr int kSignalled = 128;  // a shell's exit code for signal N is this + N
constexpr unsigned kGrace = 30;  // seconds that the others have to end by themselves

// The signal that came last, for the loop below.
volatile std::sig_atomic_t passed_on = 0;
void pass_on(int signal) { passed_on = signal; }

void watch(int signal) {
  struct sigaction action = {};
  action.sa_handler = pass_on;  // no SA_RESTART: waitpid() returns
  sigaction(signal, &action, nullptr);
}

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
                         const std::vector<std::string>& arguments) {
  // Ctrl-C reaches the parent alone, which passes it on once; a killed parent takes all with it.
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  const std::pair<const char*, std::string> variables[] = {
      {"RANK", std::to_string(rank)},
      {"LOCAL_RANK", std::to_string(rank)},
      {"WORLD_SIZE", std::to_string(processes)},
      {"LOCAL_WORLD_SIZE", std::to_string(processes)},
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

void send_all(const std::vector<pid_t>& running, int signal) {
  for (const pid_t process : running) kill(process, signal);
}

}  // namespace

int run_processes(int64_t processes, const std::vector<std::string>& arguments) {
  const int64_t port = free_port();
  const pid_t parent = getpid();
  std::vector<pid_t> running;
  for (int64_t rank = 0; rank < processes; ++rank) {
    const pid_t child = fork();
    if (child == 0) become(rank, processes, port, parent, arguments);
    if (child < 0) {
      send_all(running, SIGKILL);
      user_error("--nproc: cannot start process ", rank, ": ", std::strerror(errno));
    }
    running.push_back(child);
  }
  for (const int signal : {SIGINT, SIGTERM, SIGALRM}) watch(signal);
  int code = 0;
  while (!running.empty()) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, 0);
    if (ended < 0) {
      // The others were given time to end by themselves.
      if (passed_on != 0) send_all(running, passed_on == SIGALRM ? SIGKILL : passed_on);
      passed_on = 0;
      continue;
    }
    std::erase(running, ended);
    const int own = WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled + WTERMSIG(status);
    if (own != 0 && code == 0) {
      code = own;
      alarm(kGrace);
    }
  }
  return code;
}

}  // namespace unlearn::distributed
