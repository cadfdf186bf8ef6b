// A library to preload (LD_PRELOAD) into a program whose disk is to fail on demand.
//
//   HILUM_FAULT=operation:errno:n:substring[:sticky]   rules are parted by ';'
//
// The n-th call (from 1) of the operation on a file whose path contains the substring fails with the errno (EIO,
// ENOSPC, EDQUOT, EROFS or a number); with `sticky` all later ones fail too. Operations: write, pwrite (pwritev too),
// writev, fsync, fdatasync, sync_file_range, ftruncate, fallocate, or anywrite (the first three), anysync (fsync and
// fdatasync). Each injected fault prints one line on standard error. Safe for concurrent use.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kMaxRules = 8 };

struct rule {
  char operation[32];
  char substring[128];
  int error;
  long nth;
  int sticky;
  atomic_long seen;
};

static struct rule rules[kMaxRules];
static int rule_count;

static int parse_errno(const char* name) {
  if (strcmp(name, "EIO") == 0) return EIO;
  if (strcmp(name, "ENOSPC") == 0) return ENOSPC;
  if (strcmp(name, "EDQUOT") == 0) return EDQUOT;
  if (strcmp(name, "EROFS") == 0) return EROFS;
  return atoi(name);
}

static void parse_rule(const char* text, size_t length) {
  char copy[512], error[32] = "", sticky[16] = "";
  struct rule* rule = &rules[rule_count];
  if (rule_count == kMaxRules || length >= sizeof(copy)) goto bad;
  memcpy(copy, text, length);
  copy[length] = '\0';
  if (sscanf(copy, "%31[^:]:%31[^:]:%ld:%127[^:]:%15s", rule->operation, error, &rule->nth, rule->substring, sticky) <
      4) {
    goto bad;
  }
  rule->error = parse_errno(error);
  rule->sticky = strcmp(sticky, "sticky") == 0;
  if (rule->error == 0 || rule->nth < 1) goto bad;
  ++rule_count;
  return;
bad:
  dprintf(STDERR_FILENO, "HILUM_FAULT: bad rule: %.*s\n", (int)length, text);
  _exit(2);
}

__attribute__((constructor)) static void parse_rules(void) {
  const char* text = getenv("HILUM_FAULT");
  while (text != NULL && *text != '\0') {
    const size_t length = strcspn(text, ";");
    parse_rule(text, length);
    text += length + (text[length] == ';');
  }
  unsetenv("HILUM_FAULT");  // hilum takes an unknown HILUM_* variable for a misspelt setting
}

static int covers(const char* rule, const char* operation) {
  if (strcmp(rule, operation) == 0) return 1;
  if (strcmp(rule, "anywrite") == 0) {
    return strcmp(operation, "write") == 0 || strcmp(operation, "pwrite") == 0 || strcmp(operation, "writev") == 0;
  }
  if (strcmp(rule, "anysync") == 0) return strcmp(operation, "fsync") == 0 || strcmp(operation, "fdatasync") == 0;
  return 0;
}

// The errno the call is to fail with, 0 to go on.
static int fault(const char* operation, int descriptor) {
  for (int i = 0; i < rule_count; ++i) {
    struct rule* rule = &rules[i];
    if (!covers(rule->operation, operation)) continue;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
    const ssize_t length = readlink(link, path, sizeof(path) - 1);
    if (length < 0) continue;
    path[length] = '\0';
    if (strstr(path, rule->substring) == NULL) continue;
    const long seen = atomic_fetch_add(&rule->seen, 1) + 1;
    if (seen != rule->nth && !(rule->sticky && seen > rule->nth)) continue;
    dprintf(STDERR_FILENO, "fault injected: %s %ld on %s: %s\n", operation, seen, path, strerror(rule->error));
    return rule->error;
  }
  return 0;
}

// Defines `name` with `parameters`, which fails as told or calls the real one with `arguments`.
#define INTERPOSE(type, name, operation, parameters, arguments, descriptor) \
  type name parameters {                                                    \
    static type(*_Atomic real) parameters;                                  \
    if (real == NULL) real = (type(*) parameters)dlsym(RTLD_NEXT, #name);   \
    const int error = fault(operation, descriptor);                         \
    if (error != 0) {                                                       \
      errno = error;                                                        \
      return -1;                                                            \
    }                                                                       \
    return real arguments;                                                  \
  }

INTERPOSE(ssize_t, write, "write", (int d, const void* b, size_t n), (d, b, n), d)
INTERPOSE(ssize_t, pwrite, "pwrite", (int d, const void* b, size_t n, off_t o), (d, b, n, o), d)
INTERPOSE(ssize_t, pwrite64, "pwrite", (int d, const void* b, size_t n, off64_t o), (d, b, n, o), d)
INTERPOSE(ssize_t, writev, "writev", (int d, const struct iovec* v, int n), (d, v, n), d)
INTERPOSE(ssize_t, pwritev, "pwrite", (int d, const struct iovec* v, int n, off_t o), (d, v, n, o), d)
INTERPOSE(ssize_t, pwritev64, "pwrite", (int d, const struct iovec* v, int n, off64_t o), (d, v, n, o), d)
INTERPOSE(int, fsync, "fsync", (int d), (d), d)
INTERPOSE(int, fdatasync, "fdatasync", (int d), (d), d)
INTERPOSE(int, sync_file_range, "sync_file_range", (int d, off64_t o, off64_t n, unsigned f), (d, o, n, f), d)
INTERPOSE(int, ftruncate, "ftruncate", (int d, off_t n), (d, n), d)
INTERPOSE(int, ftruncate64, "ftruncate", (int d, off64_t n), (d, n), d)
INTERPOSE(int, fallocate, "fallocate", (int d, int m, off_t o, off_t n), (d, m, o, n), d)
INTERPOSE(int, fallocate64, "fallocate", (int d, int m, off64_t o, off64_t n), (d, m, o, n), d)
