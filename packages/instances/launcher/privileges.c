// Steps that give up rights: ids, capabilities, resource limits, system calls.
#include "launch.h"

#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/seccomp.h>

static long write_map(const char *path, const char *content) {
  const long fd = sys(openat, AT_CWD, path, O_WRONLY | O_CLOEXEC, 0);
  if (failed(fd)) return fd;
  const long result = write_all((i32)fd, content, length_of(content));
  close_fd((i32)fd);
  return result;
}

static long map_one(const char *path, u32 inside, u32 outside) {
  char map[48];
  char *end = put_number(put_text(put_number(map, inside, 1), " "), outside, 1);
  *put_text(end, " 1") = 0;
  return write_map(path, map);
}

// NEW_USER insideUid insideGid outsideUid outsideGid: becomes the outside user and enters a user namespace that knows
// this one user only (user_namespaces(7), "Defining user and group ID mappings"). What was made before, all other
// namespaces and mounts, stays the machine's: rights gained in this namespace would reach none of it.
long step_new_user(const struct step *step) {
  long result = sys(setgroups, 0, NULL);
  // Rights are kept over the change of user: where namespaces are root's privilege, making one needs them.
  if (!failed(result)) result = sys(prctl, PR_SET_KEEPCAPS, 1);
  if (!failed(result)) result = sys(setresgid, step->arg[3], step->arg[3], step->arg[3]);
  if (!failed(result)) result = sys(setresuid, step->arg[2], step->arg[2], step->arg[2]);
  if (!failed(result)) result = set_capabilities(~0ull);
  if (!failed(result)) result = sys(unshare, CLONE_NEWUSER);
  // The kernel lets the owner of the namespace map itself; as long as it cannot be traced its files in /proc are root's.
  if (!failed(result)) result = sys(prctl, PR_SET_DUMPABLE, 1);
  if (!failed(result)) result = write_map("/proc/self/setgroups", "deny");
  if (!failed(result)) result = map_one("/proc/self/uid_map", step->arg[0], step->arg[2]);
  if (!failed(result)) result = map_one("/proc/self/gid_map", step->arg[1], step->arg[3]);
  if (!failed(result)) result = sys(prctl, PR_SET_PDEATHSIG, 9); // forgotten with the ids
  return result;
}

// RLIMIT resource soft hard: never asks for more than the hard limit that is already there, which would need
// CAP_SYS_RESOURCE
long step_rlimit(const struct step *step) {
  struct rlimit64 now, wanted = {wide(&step->arg[1]), wide(&step->arg[3])};
  const long read = sys(prlimit64, 0, step->arg[0], NULL, &now);
  if (failed(read)) return read;
  if (wanted.rlim_max > now.rlim_max) wanted.rlim_max = now.rlim_max;
  if (wanted.rlim_cur > wanted.rlim_max) wanted.rlim_cur = wanted.rlim_max;
  return sys(prlimit64, 0, step->arg[0], &wanted, NULL);
}

// BOUNDING keep: what no program started from here can ever gain, whatever its file capabilities say
long step_bounding(const struct step *step) {
  const u64 keep = wide(step->arg);
  for (u32 capability = 0; capability < 64; capability++) {
    if (keep >> capability & 1) continue;
    const long result = sys(prctl, PR_CAPBSET_DROP, capability);
    if (result == -EINVAL) return 0; // past the last capability of this kernel
    if (result == -EPERM) return sys(prctl, PR_CAPBSET_READ, capability) == 0 ? 0 : -EPERM;
    if (failed(result)) return result;
  }
  return 0;
}

long set_capabilities(u64 mask) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct now[2], wanted[2] = {{0, 0, 0}, {0, 0, 0}};
  const long read = sys(capget, &header, now);
  if (failed(read)) return read;
  for (int half = 0; half < 2; half++) {
    const u32 keep = now[half].permitted & (u32)(mask >> (32 * half));
    wanted[half].permitted = wanted[half].effective = keep;
  }
  sys(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return sys(capset, &header, wanted);
}

// CAPABILITIES keep: permitted and effective shrink to what is kept, inheritable and ambient become empty
long step_capabilities(const struct step *step) { return set_capabilities(wide(step->arg)); }

// IDS uid gid groups(u32 each). Changing ids makes the kernel forget the parent-death signal: it is armed again.
long step_ids(const struct step *step) {
  const u32 count = step->arg[3] / 4;
  long result = sys(setgroups, count, launch.plan.bytes + step->arg[2]);
  if (result == -EPERM && count == 0) result = 0; // a rootless user namespace: the caller's groups cannot be dropped
  if (!failed(result)) result = sys(setresgid, step->arg[1], step->arg[1], step->arg[1]);
  if (!failed(result)) result = sys(setresuid, step->arg[0], step->arg[0], step->arg[0]);
  if (!failed(result)) result = sys(prctl, PR_SET_PDEATHSIG, 9);
  return result;
}

// linux/landlock.h, as it is since Linux 6.12; only `scoped` is used.
struct landlock_rules {
  u64 files, network, scoped;
};

// SCOPE what (1 abstract Unix sockets, 2 signals; landlock(7), LANDLOCK_SCOPE_*): of these this process and its
// descendants reach only their own from here on; needs NO_NEW_PRIVILEGES before it
long step_scope(const struct step *step) {
  const struct landlock_rules rules = {0, 0, step->arg[0]};
  const long ruleset = sys(landlock_create_ruleset, &rules, sizeof rules, 0);
  if (failed(ruleset)) return ruleset;
  const long result = sys(landlock_restrict_self, ruleset, 0);
  close_fd((i32)ruleset);
  return result;
}

u32 landlock_version(void) {
  const long version = sys(landlock_create_ruleset, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
  return failed(version) ? 0 : (u32)version;
}

struct filter_program {
  u16 length;
  const void *instructions;
};

// SECCOMP bytes: classic BPF, 8 bytes an instruction (seccomp(2)); needs NO_NEW_PRIVILEGES before it
long step_seccomp(const struct step *step) {
  if (step->arg[1] % 8 || step->arg[1] / 8 > 4096) return -EINVAL;
  become_usual(); // while it is allowed
  const struct filter_program program = {(u16)(step->arg[1] / 8), launch.plan.bytes + step->arg[0]};
  return sys(seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}
