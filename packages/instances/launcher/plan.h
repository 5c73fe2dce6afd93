// A plan is a launch as data: a header, a list of 32-byte steps, then the texts and bytes the steps point to.
// Everything is little-endian; every offset counts from the first byte of the plan. TypeScript assembles it
// (src/launch/encode.ts); plan.c checks it whole before the first step runs.
#pragma once
#include "sys.h"

#define PLAN_MAGIC 0x4e4c5043u // "CPLN"
#define PLAN_VERSION 1
#define PLAN_MAX (1u << 20)
#define STEP_ARGUMENTS 7
#define LIST_MAX 8192 // texts in one list
#define SLOTS 32 // descriptors a plan can keep by number while it runs

struct plan_header {
  u32 magic;
  u16 version;
  u16 steps;
  u32 size; // of the whole plan in bytes; its last byte is 0, so that every text ends inside
  u32 reserved;
};

struct step {
  u16 kind;
  u16 flags;
  u32 arg[STEP_ARGUMENTS];
};

#define STEP_MAY_FAIL 1 // flags: go on when this step fails

// kind, name, and what its arguments are: n number, q 64-bit number (low, high), f descriptor slot,
// s text, t text or 0 for none, b bytes (offset, length), v list of texts (offset of an array of offsets, count).
#define STEP_KINDS(X)                    \
  X(1, SUPERVISE, "snn")                 \
  X(2, LOG, "ssqnn")                     \
  X(3, SESSION, "n")                     \
  X(4, PTY, "snn")                       \
  X(5, OPEN, "fsnn")                     \
  X(6, WRITE_FILE, "sbnn")               \
  X(7, WRITE_SLOT, "fb")                 \
  X(8, ASK, "fsbn")                      \
  X(9, KILL_WITH, "fn")                  \
  X(10, CLONE, "nnn")                    \
  X(11, NEW_USER, "nnnn")                 \
  X(12, WAIT_PARENT, "")                 \
  X(13, UNSHARE, "n")                    \
  X(14, OPEN_PROCESS, "fnq")             \
  X(15, ENTER, "fn")                     \
  X(16, INIT, "")                        \
  X(17, WAIT_PLAN, "")                   \
  X(18, MKDIR, "sn")                     \
  X(19, SYMLINK, "ss")                   \
  X(20, MKNOD, "snn")                    \
  X(21, MOUNT, "tstnt")                  \
  X(22, TREE, "fsn")                     \
  X(23, TREE_ATTRIBUTES, "sqn")          \
  X(24, PLACE, "fs")                     \
  X(25, IMAGE, "fssn")                   \
  X(26, PIVOT, "s")                      \
  X(27, LEAVE_OLD_ROOT, "")              \
  X(28, CHDIR, "s")                      \
  X(29, UMASK, "n")                      \
  X(30, HOSTNAME, "s")                   \
  X(31, NETLINK, "bn")                   \
  X(32, RLIMIT, "nqq")                   \
  X(33, BOUNDING, "q")                   \
  X(34, CAPABILITIES, "q")               \
  X(35, IDS, "nnb")                      \
  X(36, NO_NEW_PRIVILEGES, "")           \
  X(37, SECCOMP, "b")                    \
  X(38, INHERIT, "fn")                   \
  X(39, EXEC, "vvvn")                    \
  X(40, NEW_SESSION, "")                 \
  X(41, HAND_OVER, "")                  \
  X(42, SCOPE, "n")                      \
  X(44, STAND_BY, "n")                   \
  X(45, BEGIN, "")                      \
  X(46, TITLE, "s")                      \
  X(47, TELL, "b")                      \
  X(48, JOIN, "n")                       \
  X(49, RECEIVE, "f")                    \
  X(50, COPY, "ff")

enum step_kind {
#define X(number, name, arguments) STEP_##name = number,
  STEP_KINDS(X)
#undef X
};

// A plan that passed check_plan.
struct plan {
  const u8 *bytes;
  const struct step *steps;
  u32 count;
  u32 size;
};

struct refusal {
  u32 step; // index, or ~0 for the header
  i32 error;
};

// Fills `plan` and returns 1, or fills `refusal` and returns 0. Reads nothing outside bytes[0..size).
int check_plan(const u8 *bytes, usize size, struct plan *plan, struct refusal *refusal);

const char *step_name(u16 kind);      // NULL when unknown
const char *step_arguments(u16 kind); // NULL when unknown

static inline const char *plan_text(const struct plan *plan, u32 offset) {
  return offset ? (const char *)plan->bytes + offset : NULL;
}
static inline u64 wide(const u32 *arguments) { return (u64)arguments[1] << 32 | arguments[0]; }

// Fills `list` (room for count + 1) with the texts of a "v" argument, NULL-terminated.
void plan_texts(const struct plan *plan, u32 offset, u32 count, const char **list);
