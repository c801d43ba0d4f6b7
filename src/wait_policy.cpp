// A waiting OpenMP thread spins for some milliseconds before it sleeps (libgomp: 300,000 rounds).
// With other processes on the machine it spins on cores that somebody could work on, and each of
// the thousands of short loops of a step waits for a thread that has lost its core: steps take ten
// times as long. Sleeping at once (OMP_WAIT_POLICY=passive) costs a third where nobody disturbs; a
// thousand rounds, some microseconds, cost little in both cases. libgomp reads how to
// wait from the environment in its constructor, before main(), and offers no call for it. So,
// before any library is initialised, the program starts itself once more with the variable set.
//
// Nothing is changed for who has chosen (OMP_WAIT_POLICY, GOMP_SPINCOUNT, KMP_BLOCKTIME; an empty
// value counts) or uses one thread (OMP_NUM_THREADS=1), and where the program cannot be started
// again all goes on as it was. The C library is not initialised here either: only system calls and
// loops over memory of our own.
#include <elf.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cstddef>

namespace {

// "NAME=" or "NAME=value" at the start of an environment's entry.
bool starts_with(const char* entry, const char* start) {
  while (*start != '\0') {
    if (*entry++ != *start++) return false;
  }
  return true;
}

bool is_equal(const char* one, const char* other) {
  while (*one != '\0' && *one == *other) {
    ++one;
    ++other;
  }
  return *one == *other;
}

bool has_chosen(const char* entry) {
  return starts_with(entry, "OMP_WAIT_POLICY=") || starts_with(entry, "GOMP_SPINCOUNT=") ||
         starts_with(entry, "KMP_BLOCKTIME=") || is_equal(entry, "OMP_NUM_THREADS=1");
}

void start_with_wait_policy(int, char** arguments, char** environment) {
  // Run by `ld.so PROGRAM` (no interpreter was loaded), what the kernel started is ld.so; a setuid
  // program does not pass through its environment.
  if (getauxval(AT_BASE) == 0 || getauxval(AT_SECURE) != 0) return;
  size_t count = 0;
  for (; environment[count] != nullptr; ++count) {
    if (has_chosen(environment[count])) return;
  }
  constexpr size_t kMost = 16384;  // of entries; the new list lies on the stack
  if (count > kMost) return;
  static char policy[] = "GOMP_SPINCOUNT=1000";
  auto** extended = static_cast<char**>(__builtin_alloca((count + 2) * sizeof(char*)));
  for (size_t i = 0; i < count; ++i) extended[i] = environment[i];
  extended[count] = policy;
  extended[count + 1] = nullptr;
  // The name that the kernel was given needs no /proc and keeps the process's name.
  const auto* own_name = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
  if (own_name != nullptr) execve(own_name, arguments, extended);
  execve("/proc/self/exe", arguments, extended);
}

// The dynamic linker calls what stands here before the constructors of all libraries.
__attribute__((section(".preinit_array"),
               used)) void (*before_libraries)(int, char**, char**) = start_with_wait_policy;

}  // namespace
