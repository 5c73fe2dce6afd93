// The program that starts, supervises and enters instances. It decides nothing: it runs plans (plan.h).
//   launcher spawner [lockfile]   serve launches on descriptor 3 (spawner.c)
//   launcher launch <planfile>    run one plan; its replies go to standard output ("-": plan on standard input)
//   launcher session              run the plan in the first frame on standard input (session.c)
//   launcher become <descriptor>  run the rest of a plan where another program has put this one
//   launcher project <folder> <project> <bytes> [empty]   limit what may lie in a folder (project.c)
//   launcher check <planfile>     only check it
//   launcher describe             list the step kinds this build knows
#include "launch.h"

#include <linux/fcntl.h>

#include "spawner.h"
#include "supervise.h"

#define REPLIES 3

static void say(const char *text) { write_all(2, text, length_of(text)); }

static int refuse(const struct refusal *refusal) {
  char text[96], *end = put_text(text, "plan refused at step ");
  end = refusal->step == ~0u ? put_text(end, "none (header)") : put_number(end, refusal->step, 1);
  *put_text(put_number(put_text(end, ": errno "), (u64)refusal->error, 1), "\n") = 0;
  say(text);
  return 126;
}

static int load(const char *path, struct refusal *refusal) {
  const long fd = same(path, "-") ? 0 : sys(openat, AT_CWD, path, O_RDONLY | O_CLOEXEC, 0);
  const long size = failed(fd) ? fd : read_all((i32)fd, plan_buffer, PLAN_MAX);
  if (fd > 0) close_fd((i32)fd);
  *refusal = (struct refusal){~0u, failed(size) ? (i32)-size : 0};
  return !failed(size) && check_plan(plan_buffer, (usize)size, &launch.plan, refusal);
}

// Replies move to descriptor 3; 0 to 2 lead nowhere from here on, nothing else is inherited.
static int launch_file(const char *path) {
  struct refusal refusal;
  if (!load(path, &refusal)) return refuse(&refusal);
  sys(dup3, 1, REPLIES, O_CLOEXEC);
  sys(close_range, REPLIES + 1, ~0u, 0);
  const long nowhere = sys(openat, AT_CWD, "/dev/null", O_RDWR, 0);
  for (int fd = 0; fd < 3 && !failed(nowhere); fd++) sys(dup3, nowhere, fd, 0);
  close_fd((i32)nowhere);
  launch.reply = REPLIES;
  run_plan(0);
}

// The plan has no supervisor in it: that one stands outside. Its steps are this process's own, its output is the
// program's. The descriptor, and those above it, are for us alone.
static int become(const char *number) {
  struct refusal refusal = {~0u, EBADF};
  const u64 descriptor = take_number(&number);
  if (descriptor < 3 || descriptor > 1u << 20 || *number) return refuse(&refusal);
  const long size = read_all((i32)descriptor, plan_buffer, PLAN_MAX);
  if (failed(size)) refusal.error = (i32)-size;
  if (failed(size) || !check_plan(plan_buffer, (usize)size, &launch.plan, &refusal)) return refuse(&refusal);
  sys(close_range, descriptor, ~0u, 0);
  launch.role = ROLE_MAIN;
  run_plan(0);
}

static int project(char **argv, int is_empty) {
  const char *wanted = argv[1], *bytes = argv[2];
  const u64 id = take_number(&wanted), size = take_number(&bytes);
  const long result = *wanted || *bytes || id > 0x3fffffff ? -EINVAL : limit_folder(argv[0], (u32)id, size, is_empty);
  if (!failed(result)) return 0;
  char text[32], *end = put_number(put_text(text, "errno "), (u64)-result, 1);
  *put_text(end, "\n") = 0;
  say(text);
  return 1;
}

static int session(void) {
  u8 head[8];
  u32 length;
  struct refusal refusal = {~0u, EPROTO};
  if (read_all(0, head, sizeof head) != sizeof head || head[0] != 16) return refuse(&refusal);
  copy(&length, head + 4, 4);
  if (length > PLAN_MAX || read_all(0, plan_buffer, length) != (long)length) return refuse(&refusal);
  if (!check_plan(plan_buffer, length, &launch.plan, &refusal)) return refuse(&refusal);
  sys(close_range, 3, ~0u, 0);
  run_plan(0);
}

static int describe(void) {
  for (u16 kind = 0; kind < 256; kind++) {
    char line[64], *end = line;
    if (!step_name(kind)) continue;
    end = put_text(put_number(end, kind, 1), " ");
    end = put_text(put_text(put_text(put_text(end, step_name(kind)), " "), step_arguments(kind)), "\n");
    write_all(1, line, (usize)(end - line));
  }
  return 0;
}

// The words of the command line lie one after the other in memory of our own; overwriting them changes what ps shows.
static char *title;
static usize title_room;

void set_title(const char *what, const char *whom) {
  usize at = 0;
  for (; *what && at + 1 < title_room; at++) title[at] = *what++;
  for (; *whom && at + 1 < title_room; at++) title[at] = *whom++;
  if (at < title_room) zero(title + at, title_room - at);
}

int program(int argc, char **argv, char **env) {
  if (argc > 0) {
    title = argv[0];
    title_room = (usize)(argv[argc - 1] - argv[0]) + length_of(argv[argc - 1]);
  }
  for (u32 i = 0; i < SLOTS; i++) launch.slots[i] = -1;
  for (u32 i = 0; i < 3; i++) launch.stdio[i] = -1;
  launch.reply = launch.status = launch.channel = launch.terminal = -1;
  const char *mode = argc > 1 ? argv[1] : "";
  struct refusal refusal;
  if (same(mode, "spawner") || same(mode, "session")) run_sealed(argv, env);
  if (same(mode, "spawner")) return spawner(argc > 2 ? argv[2] : NULL);
  if (same(mode, "launch") && argc == 3) return launch_file(argv[2]);
  if (same(mode, "session")) return session();
  if (same(mode, "become") && argc == 3) return become(argv[2]);
  if (same(mode, "project") && argc >= 5) return project(argv + 2, argc > 5 && same(argv[5], "empty"));
  if (same(mode, "check") && argc == 3) return load(argv[2], &refusal) ? 0 : refuse(&refusal);
  if (same(mode, "describe")) return describe();
  say("usage: launcher spawner [lockfile] | launch <planfile> | session | become <descriptor> | project … | check <planfile> | describe\n");
  return 2;
}
