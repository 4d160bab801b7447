/* Faults at system calls, for tests of what a run survives.

   Preloaded into a process; asleep until fault_arm() names a folder. From then on every call that
   opens, reads, writes, syncs, renames, removes or makes something below that folder is counted, and
   the call with the wanted number fails, is cut short or ends the process. With a log file, every call
   that changes something is recorded with its data, for the replay of power cuts. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum mode { NONE, KILL_BEFORE, KILL_AFTER, HALF, SHORT, FULL_ONCE, FULL, BROKEN, INTERRUPTED };
enum kind { OPEN, CREATE, READ, WRITE, SYNC, RENAME, UNLINK, MKDIR, RMDIR, TRUNCATE };
static const char *KINDS[] = {"open",   "create", "read",  "write", "sync",
                              "rename", "unlink", "mkdir", "rmdir", "truncate"};

static char root[PATH_MAX];
static size_t root_length;
static long wanted, count;
static int mode = NONE, log_fd = -1;

void fault_arm(const char *folder, long number, int how, int log) {
  snprintf(root, sizeof root, "%s", folder);
  root_length = strlen(root);
  wanted = number;
  count = 0;
  mode = how;
  log_fd = log;
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static int absolute(int folder, const char *path, char *out) {
  char base[PATH_MAX];
  if (path[0] == '/') return snprintf(out, PATH_MAX, "%s", path) < PATH_MAX;
  if (folder == AT_FDCWD) {
    if (!getcwd(base, sizeof base)) return 0;
  } else {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t n = readlink(link, base, sizeof base - 1);
    if (n < 0) return 0;
    base[n] = 0;
  }
  return snprintf(out, PATH_MAX, "%s/%s", base, path) < PATH_MAX;
}

static int of_fd(int fd, char *out) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, out, PATH_MAX - 1);
  if (n < 0) return 0;
  out[n] = 0;
  return 1;
}

static int inside(const char *path) {
  return root_length && !strncmp(path, root, root_length) &&
         (path[root_length] == '/' || !path[root_length]);
}

static void note(const char *mark, enum kind kind, const char *path, const char *other, int64_t at,
                 const void *data, size_t size) {
  if (log_fd < 0) return;
  char head[2 * PATH_MAX + 128];
  int n = snprintf(head, sizeof head, "%s%s%c%s%c%s%c%lld%c%zu\n", mark, KINDS[kind], 0, path, 0,
                   other ? other : "", 0, (long long)at, 0, size);
  syscall(SYS_write, log_fd, head, n);
  if (size) syscall(SYS_write, log_fd, data, size);
}

#define record(...) note("", __VA_ARGS__)

/* What to do at this call: 0 go on, 1 fail with errno, 2 go on and then die, 3 cut short,
   4 cut short and die. */
static int decide(enum kind kind, const char *path) {
  note("?", kind, path, 0, 0, 0, 0);
  int here = ++count == wanted;
  int space = kind == WRITE || kind == CREATE || kind == MKDIR;
  if (mode == FULL && count >= wanted && space) {
    errno = ENOSPC;
    return 1;
  }
  if (!here) return 0;
  switch (mode) {
    case KILL_BEFORE: die();
    case KILL_AFTER: return 2;
    case HALF: return kind == WRITE ? 4 : 2;
    case SHORT: return kind == WRITE || kind == READ ? 3 : 0;
    case FULL_ONCE: errno = ENOSPC; return kind != READ && kind != OPEN;
    case BROKEN: errno = EIO; return 1;
    case INTERRUPTED: errno = EINTR; return 1;
    default: return 0;
  }
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define AFTER(todo) do { if ((todo) == 2 || (todo) == 4) die(); } while (0)

static int opened(int folder, const char *path, int flags, mode_t m,
                  int (*go)(int, const char *, int, mode_t)) {
  char full[PATH_MAX];
  if (!root_length || !absolute(folder, path, full) || !inside(full)) return go(folder, path, flags, m);
  struct stat found;
  enum kind kind = (flags & O_CREAT) && stat(full, &found) ? CREATE : OPEN;
  if ((flags & O_TRUNC) && kind == OPEN) kind = TRUNCATE;
  int todo = decide(kind, full);
  if (todo == 1) return -1;
  int fd = go(folder, path, flags, m);
  if (fd >= 0 && kind != OPEN) record(kind, full, 0, 0, 0, 0);
  AFTER(todo);
  return fd;
}

static int go_open(int folder, const char *path, int flags, mode_t m) {
  return (int)syscall(SYS_openat, folder, path, flags, m);
}

#define OPENS(name, has_folder)                                          \
  int name(has_folder const char *path, int flags, ...) {                \
    mode_t m = 0;                                                        \
    if (flags & (O_CREAT | O_TMPFILE)) {                                 \
      va_list rest;                                                      \
      va_start(rest, flags);                                             \
      m = va_arg(rest, mode_t);                                          \
      va_end(rest);                                                      \
    }                                                                    \
    return opened(FOLDER, path, flags | O_LARGEFILE, m, go_open);        \
  }
#define NOTHING
#define FOLDER AT_FDCWD
OPENS(open, NOTHING)
OPENS(open64, NOTHING)
#undef FOLDER
#define FOLDER folder
#define WITH_FOLDER int folder,
OPENS(openat, WITH_FOLDER)
OPENS(openat64, WITH_FOLDER)

ssize_t read(int fd, void *data, size_t size) {
  REAL(read);
  char path[PATH_MAX];
  if (!root_length || !of_fd(fd, path) || !inside(path)) return real(fd, data, size);
  int todo = decide(READ, path);
  if (todo == 1) return -1;
  ssize_t n = real(fd, data, todo == 3 && size > 1 ? size / 2 : size);
  AFTER(todo);
  return n;
}

ssize_t write(int fd, const void *data, size_t size) {
  REAL(write);
  char path[PATH_MAX];
  if (!root_length || !of_fd(fd, path) || !inside(path)) return real(fd, data, size);
  int todo = decide(WRITE, path);
  if (todo == 1) return -1;
  if ((todo == 3 || todo == 4) && size > 1) size /= 2;
  struct stat found;
  int64_t at = fcntl(fd, F_GETFL) & O_APPEND ? (fstat(fd, &found) ? 0 : found.st_size)
                                             : lseek(fd, 0, SEEK_CUR);
  ssize_t n = real(fd, data, size);
  if (n > 0) record(WRITE, path, 0, at, data, n);
  AFTER(todo);
  return n;
}

static int synced(int fd, int (*real)(int)) {
  char path[PATH_MAX];
  if (!root_length || !of_fd(fd, path) || !inside(path)) return real(fd);
  int todo = decide(SYNC, path);
  if (todo == 1) return -1;
  int result = real(fd);
  if (!result) record(SYNC, path, 0, 0, 0, 0);
  AFTER(todo);
  return result;
}

int fsync(int fd) {
  REAL(fsync);
  return synced(fd, real);
}

int fdatasync(int fd) {
  REAL(fdatasync);
  return synced(fd, real);
}

#define ON_PATH(kind, folder, path, other, call)                                     \
  do {                                                                               \
    char full[PATH_MAX];                                                             \
    if (!root_length || !absolute(folder, path, full) || !inside(full)) return call; \
    int todo = decide(kind, full);                                                         \
    if (todo == 1) return -1;                                                        \
    int result = call;                                                               \
    if (!result) record(kind, full, other, size, 0, 0);                              \
    AFTER(todo);                                                                     \
    return result;                                                                   \
  } while (0)

int rename(const char *from, const char *to) {
  REAL(rename);
  int64_t size = 0;
  char target[PATH_MAX];
  if (!absolute(AT_FDCWD, to, target)) return real(from, to);
  ON_PATH(RENAME, AT_FDCWD, from, target, real(from, to));
}

int unlink(const char *path) {
  REAL(unlink);
  int64_t size = 0;
  ON_PATH(UNLINK, AT_FDCWD, path, 0, real(path));
}

int unlinkat(int folder, const char *path, int flags) {
  REAL(unlinkat);
  int64_t size = 0;
  ON_PATH(flags & AT_REMOVEDIR ? RMDIR : UNLINK, folder, path, 0, real(folder, path, flags));
}

int rmdir(const char *path) {
  REAL(rmdir);
  int64_t size = 0;
  ON_PATH(RMDIR, AT_FDCWD, path, 0, real(path));
}

int mkdir(const char *path, mode_t m) {
  REAL(mkdir);
  int64_t size = 0;
  ON_PATH(MKDIR, AT_FDCWD, path, 0, real(path, m));
}

static int cut(int fd, off_t size, int (*real)(int, off_t)) {
  char path[PATH_MAX];
  if (!root_length || !of_fd(fd, path)) return real(fd, size);
  ON_PATH(TRUNCATE, AT_FDCWD, path, 0, real(fd, size));
}

int ftruncate(int fd, off_t size) {
  REAL(ftruncate);
  return cut(fd, size, real);
}

int ftruncate64(int fd, off64_t size) {
  static int (*real)(int, off64_t);
  if (!real) real = (int (*)(int, off64_t))dlsym(RTLD_NEXT, "ftruncate64");
  return cut(fd, (off_t)size, (int (*)(int, off_t))real);
}

int truncate(const char *path, off_t size) {
  REAL(truncate);
  ON_PATH(TRUNCATE, AT_FDCWD, path, 0, real(path, size));
}
