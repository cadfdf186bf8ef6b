#include "codecs/pixel/sandbox.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/sanitized.h"

namespace hilum::pixel {
namespace {

constexpr int kFree[] = {
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrusage),
    SCMP_SYS(close),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(sched_yield),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(sched_getaffinity),
};

// What libraries print about hostile input would fill the server's log.
Status Silence() {
  const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nowhere < 0) return ErrnoStatus("sandbox: /dev/null", errno);
  for (int standard = 0; standard <= 2; ++standard) dup2(nowhere, standard);
  if (nowhere > 2) close(nowhere);
  return Status::Ok();
}

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};

Status FilterCalls(int descriptor) {
  const std::unique_ptr<void, Release> filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (filter == nullptr) return Internal("sandbox: seccomp cannot be set up");
  int error = 0;
  const auto allow = [&](int call) { error |= seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0); };
  const auto allow_if = [&](int call, scmp_arg_cmp condition) {
    error |= seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, call, 1, &condition);
  };
  for (const int call : kFree) allow(call);
  // No new code.
  allow_if(SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  allow_if(SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  const auto socket = static_cast<scmp_datum_t>(descriptor);
  allow_if(SCMP_SYS(recvmsg), SCMP_A0(SCMP_CMP_EQ, socket));
  allow_if(SCMP_SYS(sendmsg), SCMP_A0(SCMP_CMP_EQ, socket));
  allow_if(SCMP_SYS(write), SCMP_A0(SCMP_CMP_EQ, 2));
  allow_if(SCMP_SYS(writev), SCMP_A0(SCMP_CMP_EQ, 2));
  // abort() signals its own process; limits are its own.
  allow_if(SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(getpid())));
  allow_if(SCMP_SYS(prlimit64), SCMP_A0(SCMP_CMP_EQ, 0));
  if (error != 0) return Internal("sandbox: a seccomp rule was refused");
  const int loaded = seccomp_load(filter.get());
  return loaded == 0 ? Status::Ok() : ErrnoStatus("sandbox: load the seccomp filter", -loaded);
}

}  // namespace

Status EnterSandbox(int descriptor, uint64_t address_space) {
  const rlimit none{0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) return ErrnoStatus("sandbox: RLIMIT_CORE", errno);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return ErrnoStatus("sandbox: PR_SET_NO_NEW_PRIVS", errno);
  if (kSanitized) return Status::Ok();
  HILUM_RETURN_IF_ERROR(Silence());
  const rlimit memory{address_space, address_space};
  if (setrlimit(RLIMIT_AS, &memory) != 0) return ErrnoStatus("sandbox: RLIMIT_AS", errno);
  return FilterCalls(descriptor);
}

Status LimitCpu(uint64_t seconds) {
  rusage used{};
  if (getrusage(RUSAGE_SELF, &used) != 0) return ErrnoStatus("sandbox: getrusage", errno);
  rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
  limit.rlim_cur = static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1 + seconds;
  return setrlimit(RLIMIT_CPU, &limit) == 0 ? Status::Ok() : ErrnoStatus("sandbox: RLIMIT_CPU", errno);
}

}  // namespace hilum::pixel
