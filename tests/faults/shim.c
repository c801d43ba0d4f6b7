// Makes a chosen system call of a program fail, for tests (LD_PRELOAD). Compiled by
// tests/faults/walk.sh; no part of the program.
//
// Counted are calls on files below the folders of FAULT_PATHS (absolute, separated by ':'), in all
// threads. With FAULT_LOG=FILE every one of them is listed there: "number operation path". The call
// with the number FAULT_AT meets FAULT_HOW:
//   an error's name (EIO, ENOSPC, EMFILE, ENOMEM, EACCES): the call is not made and fails so
//   short    a read or write moves half of what was asked for
//   kill     SIGKILL: before the call; of a write, after half of it was written
//   shrink   the file that is read or mapped is cut to half its size, before a read, after an mmap
// FAULT_STICKS=1: so do all counted calls of that operation after it (a disk that stays full).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kPathSize = 4096 };
enum how { kNone, kError, kShort, kKill, kShrink };

static atomic_long counter;
static long fault_at;
static enum how fault_how;
static int fault_errno;
static int fault_sticks;
static char fault_operation[16];  // of the call that failed first
static const char* fault_paths;
static int log_file = -1;
static int is_ready;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
// The next function of that name, looked up once. Look-ups in threads store the same value.
#define NEXT(name)                            \
  static __typeof__(&name) next_##name;       \
  if (!next_##name) next_##name = REAL(name)

static ssize_t plain_write(int file, const void* data, size_t size) {
  NEXT(write);
  return next_write(file, data, size);
}

__attribute__((constructor)) static void begin(void) {
  static const struct {
    const char* name;
    int value;
  } errors[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EMFILE", EMFILE},
                {"ENOMEM", ENOMEM}, {"EACCES", EACCES}};
  const char* at = getenv("FAULT_AT");
  const char* how = getenv("FAULT_HOW");
  const char* log = getenv("FAULT_LOG");
  fault_paths = getenv("FAULT_PATHS");
  fault_at = at ? atol(at) : 0;
  fault_sticks = getenv("FAULT_STICKS") != NULL;
  if (how && !strcmp(how, "short")) fault_how = kShort;
  if (how && !strcmp(how, "kill")) fault_how = kKill;
  if (how && !strcmp(how, "shrink")) fault_how = kShrink;
  for (size_t i = 0; how && i < sizeof(errors) / sizeof(*errors); ++i) {
    if (strcmp(how, errors[i].name)) continue;
    fault_how = kError;
    fault_errno = errors[i].value;
  }
  if (at && fault_how == kNone) {
    static const char message[] = "shim: FAULT_HOW is none of what there is\n";
    plain_write(2, message, sizeof message - 1);
    _exit(99);
  }
  if (log) {
    NEXT(open);
    log_file = next_open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
  is_ready = 1;
}

static int is_watched(const char* path) {
  for (const char* at = fault_paths; at && *at;) {
    const char* end = strchrnul(at, ':');
    const size_t size = (size_t)(end - at);
    if (!strncmp(path, at, size) && (path[size] == '/' || path[size] == 0)) return 1;
    at = *end ? end + 1 : end;
  }
  return 0;
}

// The path of a descriptor, or of a name seen from the working directory.
static const char* path_of(int file, const char* name, char* buffer) {
  if (name && *name == '/') return name;
  char link[64];
  if (name || file == AT_FDCWD) {
    if (!getcwd(buffer, kPathSize)) return "";
    const size_t size = strlen(buffer);
    if (name) snprintf(buffer + size, kPathSize - size, "/%s", name);
    return buffer;
  }
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t size = readlink(link, buffer, kPathSize - 1);
  buffer[size < 0 ? 0 : size] = 0;
  return buffer;
}

// What this call meets. An error is stored in errno, a kill does not come back.
static enum how meet(const char* operation, int file, const char* name) {
  if (!is_ready || !fault_paths) return kNone;
  const int saved = errno;
  char buffer[kPathSize];
  const char* path = path_of(file, name, buffer);
  errno = saved;
  if (!is_watched(path)) return kNone;
  const long number = atomic_fetch_add(&counter, 1) + 1;
  if (log_file >= 0) {
    char line[kPathSize + 64];
    const int size = snprintf(line, sizeof line, "%ld %s %s\n", number, operation, path);
    plain_write(log_file, line, (size_t)size);
    errno = saved;
  }
  if (number == fault_at) strncpy(fault_operation, operation, sizeof fault_operation - 1);
  const int is_hit =
      number == fault_at ||
      (fault_sticks && fault_at && number > fault_at && !strcmp(operation, fault_operation));
  if (!is_hit) return kNone;
  if (fault_how == kKill && strcmp(operation, "write")) kill(getpid(), SIGKILL);
  if (fault_how == kError) errno = fault_errno;
  if (fault_how == kShrink) {
    struct stat info;
    if (!stat(path, &info) && S_ISREG(info.st_mode)) {
      if (truncate(path, info.st_size / 2)) return kNone;
    }
  }
  return fault_how;
}

// The kill in the middle of a write, or the shorter size.
static size_t size_of_part(enum how how, size_t size) {
  return (how == kShort || how == kKill) && size > 1 ? size / 2 : size;
}
static void end_if_killed(enum how how) {
  if (how == kKill) kill(getpid(), SIGKILL);
}

#define OPEN(name)                                                  \
  int name(const char* path, int flags, ...) {                      \
    NEXT(name);                                                     \
    va_list more;                                                   \
    va_start(more, flags);                                          \
    const mode_t mode = va_arg(more, mode_t);                       \
    va_end(more);                                                   \
    if (meet("open", AT_FDCWD, path) == kError) return -1;          \
    return next_##name(path, flags, mode);                          \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                \
  int name(int folder, const char* path, int flags, ...) {          \
    NEXT(name);                                                     \
    va_list more;                                                   \
    va_start(more, flags);                                          \
    const mode_t mode = va_arg(more, mode_t);                       \
    va_end(more);                                                   \
    if (folder == AT_FDCWD || *path == '/') {                       \
      if (meet("open", AT_FDCWD, path) == kError) return -1;        \
    }                                                               \
    return next_##name(folder, path, flags, mode);                  \
  }
OPENAT(openat)
OPENAT(openat64)

#define FOPEN(name)                                                 \
  FILE* name(const char* path, const char* mode) {                  \
    NEXT(name);                                                     \
    if (meet("open", AT_FDCWD, path) == kError) return NULL;        \
    return next_##name(path, mode);                                 \
  }
FOPEN(fopen)
FOPEN(fopen64)

ssize_t read(int file, void* data, size_t size) {
  NEXT(read);
  const enum how how = meet("read", file, NULL);
  if (how == kError) return -1;
  return next_read(file, data, how == kShort ? size_of_part(how, size) : size);
}

#define PREAD(name, offset_type)                                             \
  ssize_t name(int file, void* data, size_t size, offset_type at) {          \
    NEXT(name);                                                              \
    const enum how how = meet("read", file, NULL);                           \
    if (how == kError) return -1;                                            \
    return next_##name(file, data, how == kShort ? size_of_part(how, size) : size, at); \
  }
PREAD(pread, off_t)
PREAD(pread64, off64_t)

ssize_t readv(int file, const struct iovec* parts, int count) {
  NEXT(readv);
  const enum how how = meet("read", file, NULL);
  if (how == kError) return -1;
  return next_readv(file, parts, how == kShort && count > 1 ? 1 : count);
}

ssize_t write(int file, const void* data, size_t size) {
  const enum how how = meet("write", file, NULL);
  if (how == kError) return -1;
  const ssize_t done = plain_write(file, data, size_of_part(how, size));
  end_if_killed(how);
  return done;
}

#define PWRITE(name, offset_type)                                            \
  ssize_t name(int file, const void* data, size_t size, offset_type at) {    \
    NEXT(name);                                                              \
    const enum how how = meet("write", file, NULL);                          \
    if (how == kError) return -1;                                            \
    const ssize_t done = next_##name(file, data, size_of_part(how, size), at); \
    end_if_killed(how);                                                      \
    return done;                                                             \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t writev(int file, const struct iovec* parts, int count) {
  NEXT(writev);
  const enum how how = meet("write", file, NULL);
  if (how == kError) return -1;
  const ssize_t done = next_writev(file, parts, how != kNone && count > 1 ? 1 : count);
  end_if_killed(how);
  return done;
}

#define BY_FILE(name)                                    \
  int name(int file) {                                   \
    NEXT(name);                                          \
    if (meet(#name, file, NULL) == kError) return -1;    \
    return next_##name(file);                            \
  }
BY_FILE(fsync)
BY_FILE(fdatasync)

// The descriptor is gone all the same, as Linux has it.
int close(int file) {
  NEXT(close);
  const enum how how = meet("close", file, NULL);
  const int error = errno;
  const int result = next_close(file);
  if (how != kError) return result;
  errno = error;
  return -1;
}

#define BY_NAME(name)                                        \
  int name(const char* path) {                               \
    NEXT(name);                                              \
    if (meet(#name, AT_FDCWD, path) == kError) return -1;    \
    return next_##name(path);                                \
  }
BY_NAME(unlink)
BY_NAME(rmdir)
BY_NAME(remove)

int unlinkat(int folder, const char* path, int flags) {
  NEXT(unlinkat);
  if (meet("unlink", folder, *path == '/' ? path : NULL) == kError) return -1;
  return next_unlinkat(folder, path, flags);
}

int mkdir(const char* path, mode_t mode) {
  NEXT(mkdir);
  if (meet("mkdir", AT_FDCWD, path) == kError) return -1;
  return next_mkdir(path, mode);
}

int rename(const char* from, const char* to) {
  NEXT(rename);
  if (meet("rename", AT_FDCWD, to) == kError) return -1;
  return next_rename(from, to);
}

int ftruncate(int file, off_t size) {
  NEXT(ftruncate);
  if (meet("truncate", file, NULL) == kError) return -1;
  return next_ftruncate(file, size);
}
int truncate(const char* path, off_t size) {
  NEXT(truncate);
  if (is_ready && meet("truncate", AT_FDCWD, path) == kError) return -1;
  return next_truncate(path, size);
}

// The exchange of two names has no wrapper in the C library.
long syscall(long number, ...) {
  static __typeof__(&syscall) next_syscall;
  if (!next_syscall) next_syscall = (__typeof__(&syscall))dlsym(RTLD_NEXT, "syscall");
  va_list more;
  va_start(more, number);
  long a[6];
  for (int i = 0; i < 6; ++i) a[i] = va_arg(more, long);
  va_end(more);
  if (number == SYS_renameat2 && meet("rename", AT_FDCWD, (const char*)a[3]) == kError) return -1;
  return next_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

#define MMAP(name, offset_type)                                                             \
  void* name(void* address, size_t size, int protection, int flags, int file, offset_type at) { \
    NEXT(name);                                                                             \
    const enum how how = file >= 0 && is_ready ? meet("mmap", file, NULL) : kNone;          \
    if (how == kError) return MAP_FAILED;                                                   \
    return next_##name(address, size, protection, flags, file, at);                         \
  }
MMAP(mmap, off_t)
MMAP(mmap64, off64_t)
