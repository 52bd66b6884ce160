/* A disk that forgets what was not synced: preloaded into the edge while it is tortured.

   Before a file below AFORO_TORTURE_ROOT changes, what it held there is kept in a journal, one for each inode, in
   AFORO_TORTURE_SIDE. A sync of the file drops its journal. After a kill -9 whoever tortures undoes the journals that
   are left, and so has the bytes that a power failure would have left. The journals' records are `struct record`, each
   followed by the old bytes. Each sync of a file is noted in `syncs`, with when it began and ended.

   Names of files (creation, rename, unlink) count as durable at once. Not followed: copy_file_range, sendfile, and
   stdio inside of C libraries. A shared writable mapping of a file below the root ends the process, since it could not
   be followed either; -shm files, which SQLite rebuilds, excepted. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct record { uint64_t size, offset, length; };
struct synced { uint64_t kind, began_ns, ended_ns; };
enum kind { OTHER, SEGMENT, LEDGER };

#define PLACE (PATH_MAX + 32)

static char root[PATH_MAX], side[PATH_MAX];
static size_t root_length;
static long slow_us, faults_per_mille, clock_seconds;
static unsigned seed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static long number(const char *name) {
  const char *text = getenv(name);
  return text ? atol(text) : 0;
}

__attribute__((constructor)) static void begin(void) {
  const char *from = getenv("AFORO_TORTURE_ROOT"), *to = getenv("AFORO_TORTURE_SIDE");
  if (!from || !to || !realpath(from, root) || !realpath(to, side)) return;
  slow_us = number("AFORO_TORTURE_SLOW_US");
  faults_per_mille = number("AFORO_TORTURE_FAULTS");
  clock_seconds = number("AFORO_TORTURE_CLOCK");
  seed = (unsigned)getpid();
  root_length = strlen(root);
}

static int ends_with(const char *path, const char *end) {
  size_t length = strlen(path), wanted = strlen(end);
  return length >= wanted && !strcmp(path + length - wanted, end);
}

/* Whether a change of this file is to be followed. Keeps errno. */
static int followed(int fd, struct stat *found, enum kind *kind) {
  char link[64], path[PATH_MAX];
  int before = errno, yes = 0;
  if (root_length && !syscall(SYS_fstat, fd, found) && S_ISREG(found->st_mode) && found->st_nlink) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlink, link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    yes = !strncmp(path, root, root_length) && path[root_length] == '/' && !ends_with(path, "-shm");
    *kind = strstr(path + (yes ? root_length : 0), "/log/") ? SEGMENT : strstr(path, "/ledger.db") ? LEDGER : OTHER;
  }
  errno = before;
  return yes;
}

static void journal_path(char *path, ino_t inode) { snprintf(path, PLACE, "%s/%lu", side, (unsigned long)inode); }

static void write_whole(int to, const void *bytes, size_t length) {
  while (length) {
    ssize_t written = syscall(SYS_write, to, bytes, length);
    if (written <= 0) abort();
    bytes = (const char *)bytes + written;
    length -= (size_t)written;
  }
}

/* Keep what the file holds in the range that is about to change. */
static void keep(int fd, const struct stat *is, uint64_t offset, uint64_t length) {
  char path[PLACE], link[64], buffer[65536];
  uint64_t size = (uint64_t)is->st_size, old = offset < size ? size - offset : 0;
  struct record record = {size, offset, length < old ? length : old};
  int before = errno;
  journal_path(path, is->st_ino);
  int to = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (to < 0) abort();
  write_whole(to, &record, sizeof record);
  if (record.length) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int from = (int)syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC);
    if (from < 0) abort();
    for (uint64_t done = 0; done < record.length;) {
      uint64_t want = record.length - done < sizeof buffer ? record.length - done : sizeof buffer;
      ssize_t got = syscall(SYS_pread64, from, buffer, want, offset + done);
      if (got <= 0) abort();
      write_whole(to, buffer, (size_t)got);
      done += (uint64_t)got;
    }
    syscall(SYS_close, from);
  }
  syscall(SYS_close, to);
  errno = before;
}

static int fails(enum kind kind) {
  return kind != OTHER && faults_per_mille && rand_r(&seed) % 1000 < faults_per_mille;
}

/* Runs a change of `length` bytes at `offset` after what was there is kept; at -1 it is where the file stands. */
#define CHANGING(fd, at, length, call)                                                        \
  do {                                                                                        \
    struct stat is;                                                                           \
    enum kind kind;                                                                           \
    if (!followed(fd, &is, &kind)) return call;                                               \
    pthread_mutex_lock(&lock);                                                                \
    if (fails(kind)) {                                                                        \
      pthread_mutex_unlock(&lock);                                                            \
      errno = ENOSPC;                                                                         \
      return -1;                                                                              \
    }                                                                                         \
    syscall(SYS_fstat, fd, &is);                                                              \
    int64_t from = (int64_t)(at);                                                             \
    if (from < 0) from = fcntl(fd, F_GETFL) & O_APPEND ? is.st_size : lseek(fd, 0, SEEK_CUR); \
    keep(fd, &is, (uint64_t)from, length);                                                    \
    long result = call;                                                                       \
    pthread_mutex_unlock(&lock);                                                              \
    return result;                                                                            \
  } while (0)

static uint64_t total(const struct iovec *parts, int count) {
  uint64_t sum = 0;
  for (int each = 0; each < count; each++) sum += parts[each].iov_len;
  return sum;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  CHANGING(fd, -1, length, syscall(SYS_write, fd, bytes, length));
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
  CHANGING(fd, at, length, syscall(SYS_pwrite64, fd, bytes, length, at));
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) { return pwrite(fd, bytes, length, at); }
ssize_t writev(int fd, const struct iovec *parts, int count) {
  CHANGING(fd, -1, total(parts, count), syscall(SYS_writev, fd, parts, count));
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  CHANGING(fd, at, total(parts, count), syscall(SYS_pwritev, fd, parts, count, at, 0));
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) { return pwritev(fd, parts, count, at); }
ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t at, int flags) {
  CHANGING(fd, at, total(parts, count), syscall(SYS_pwritev2, fd, parts, count, at, 0, flags));
}
ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t at, int flags) {
  return pwritev2(fd, parts, count, at, flags);
}
int ftruncate(int fd, off_t length) { CHANGING(fd, length, UINT64_MAX, (int)syscall(SYS_ftruncate, fd, length)); }
int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }
int fallocate(int fd, int mode, off_t at, off_t length) {
  CHANGING(fd, at, (uint64_t)length, (int)syscall(SYS_fallocate, fd, mode, at, length));
}
int fallocate64(int fd, int mode, off64_t at, off64_t length) { return fallocate(fd, mode, at, length); }
int posix_fallocate(int fd, off_t at, off_t length) { return fallocate(fd, 0, at, length) ? errno : 0; }
int posix_fallocate64(int fd, off64_t at, off64_t length) { return posix_fallocate(fd, at, length); }

int truncate(const char *path, off_t length) {
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  int result = ftruncate(fd, length);
  syscall(SYS_close, fd);
  return result;
}
int truncate64(const char *path, off64_t length) { return truncate(path, length); }

static uint64_t now_ns(void) {
  struct timespec now;
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The bytes need not reach the real disk: a kill leaves them with the kernel. What counts is that the journal goes. */
static int sync_file(int fd, long call) {
  struct stat is;
  enum kind kind;
  char path[PLACE];
  if (!followed(fd, &is, &kind)) return (int)syscall(call, fd);
  pthread_mutex_lock(&lock);
  struct synced noted = {kind, now_ns(), 0};
  if (slow_us) {
    struct timespec rest = {0, rand_r(&seed) % slow_us * 1000};
    nanosleep(&rest, NULL);
  }
  int failed = fails(kind);
  if (!failed) {
    journal_path(path, is.st_ino);
    syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    noted.ended_ns = now_ns();
    snprintf(path, sizeof path, "%s/syncs", side);
    int to = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (to < 0) abort();
    write_whole(to, &noted, sizeof noted);
    syscall(SYS_close, to);
  }
  pthread_mutex_unlock(&lock);
  errno = failed ? EIO : errno;
  return failed ? -1 : 0;
}
int fsync(int fd) { return sync_file(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }

/* A name that goes takes its file's journal along, so that the inode's next owner does not inherit it. */
static ino_t goes(int folder, const char *path) {
  struct stat is;
  int before = errno;
  ino_t inode = root_length && !fstatat(folder, path, &is, AT_SYMLINK_NOFOLLOW) && S_ISREG(is.st_mode) &&
                        is.st_nlink == 1 ? is.st_ino : 0;
  errno = before;
  return inode;
}
static int gone(int result, ino_t inode) {
  char path[PLACE];
  int before = errno;
  if (!result && inode) {
    journal_path(path, inode);
    syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  }
  errno = before;
  return result;
}
int unlinkat(int folder, const char *path, int flags) {
  ino_t inode = goes(folder, path);
  return gone((int)syscall(SYS_unlinkat, folder, path, flags), inode);
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int renameat2(int from, const char *old, int to, const char *new, unsigned flags) {
  ino_t inode = goes(to, new);
  return gone((int)syscall(SYS_renameat2, from, old, to, new, flags), inode);
}
int renameat(int from, const char *old, int to, const char *new) { return renameat2(from, old, to, new, 0); }
int rename(const char *old, const char *new) { return renameat2(AT_FDCWD, old, AT_FDCWD, new, 0); }

static int open_file(int folder, const char *path, int flags, mode_t mode) {
  struct stat is;
  enum kind kind;
  if (root_length && flags & O_TRUNC) {
    int before = errno, fd = (int)syscall(SYS_openat, folder, path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
      pthread_mutex_lock(&lock);
      if (followed(fd, &is, &kind)) keep(fd, &is, 0, UINT64_MAX);
      pthread_mutex_unlock(&lock);
      syscall(SYS_close, fd);
    }
    errno = before;
  }
  return (int)syscall(SYS_openat, folder, path, flags, mode);
}
#define MODE(flags, last)                        \
  mode_t mode = 0;                               \
  if ((flags) & (O_CREAT | O_TMPFILE)) {         \
    va_list rest;                                \
    va_start(rest, last);                        \
    mode = (mode_t)va_arg(rest, unsigned);       \
    va_end(rest);                                \
  }
int open(const char *path, int flags, ...) { MODE(flags, flags) return open_file(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags, flags) return open_file(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE(flags, flags) return open_file(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) {
  MODE(flags, flags) return open_file(folder, path, flags, mode);
}

void *mmap(void *at, size_t length, int access, int flags, int fd, off_t offset) {
  struct stat is;
  enum kind kind;
  if (fd >= 0 && access & PROT_WRITE && (flags & MAP_TYPE) != MAP_PRIVATE && followed(fd, &is, &kind)) {
    static const char said[] = "torture: a file below the root is mapped to be written\n";
    syscall(SYS_write, 2, said, sizeof said - 1);
    abort();
  }
  return (void *)syscall(SYS_mmap, at, length, access, flags, fd, offset);
}
void *mmap64(void *at, size_t length, int access, int flags, int fd, off64_t offset) {
  return mmap(at, length, access, flags, fd, offset);
}

int clock_gettime(clockid_t which, struct timespec *now) {
  int result = (int)syscall(SYS_clock_gettime, which, now);
  if (!result && which == CLOCK_REALTIME) now->tv_sec += clock_seconds;
  return result;
}
