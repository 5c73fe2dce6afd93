// Runs the steps of a checked plan one after the other and says which one failed.
#include "launch.h"

#include <linux/close_range.h>

#include "supervise.h"

struct launch launch;
u8 plan_buffer[PLAN_MAX] __attribute__((aligned(65536))); // whole pages of any kernel: they are given back

// CLONE moves launch.next in the child, past the steps that the parent does; that is why the loop reads it each time.
void run_plan(u32 from) {
  for (launch.next = from; launch.next < launch.plan.count; launch.next++) {
    const struct step *step = &launch.plan.steps[launch.next];
    const u32 index = launch.next;
    const long result = perform(step);
    if (failed(result) && !(step->flags & STEP_MAY_FAIL)) fail_step(index, (i32)-result);
  }
  fail_step(launch.plan.count - 1, EINVAL); // unreachable: a checked plan ends in EXEC, WAIT_PLAN or BEGIN
}

// Nobody follows this plan (`launcher become`): whoever reads the program's output learns it.
static void complain(u32 step, i32 error) {
  char text[96], *end = put_text(text, "step ");
  end = put_text(put_number(end, step, 1), " of the plan failed: errno ");
  end = put_text(put_number(end, (u64)error, 1), "\n");
  write_all(2, text, (usize)(end - text));
}

void fail_step(u32 step, i32 error) {
  if (launch.role == ROLE_SUPERVISOR) supervisor_failed(step, error);
  if (launch.status < 0) complain(step, error);
  tell_status(STATUS_FAILED, step, error);
  leave(127);
  __builtin_unreachable();
}

void tell_status(u32 kind, u32 step, i32 error) {
  const struct status status = {kind, step, error, launch.role};
  write_all(launch.status, &status, sizeof status); // 16 bytes in a pipe: whole or not at all
}

i32 slot_fd(u32 slot) { return launch.slots[slot] < 0 ? -EBADF : launch.slots[slot]; }

long fill_slot(u32 slot, long fd) {
  if (failed(fd)) return fd;
  close_fd(launch.slots[slot]);
  launch.slots[slot] = (i32)fd;
  return fd;
}

void close_slots(void) {
  for (u32 i = 0; i < SLOTS; i++) close_fd(launch.slots[i]), launch.slots[i] = -1;
}

long perform(const struct step *step) {
  const struct plan *plan = &launch.plan;
  const u32 *arg = step->arg;
  switch (step->kind) {
    case STEP_SUPERVISE: return step_supervise(step);
    case STEP_LOG: return step_log(step);
    case STEP_SESSION: return step_session(step);
    case STEP_PTY: return step_pty(step);
    case STEP_OPEN: return step_open(step);
    case STEP_WRITE_FILE: return step_write_file(step);
    case STEP_WRITE_SLOT: return step_write_slot(step);
    case STEP_ASK: return step_ask(step);
    case STEP_RECEIVE: return step_receive(step);
    case STEP_COPY: return step_copy(step);
    case STEP_KILL_WITH: return step_kill_with(step);
    case STEP_CLONE: return step_clone(step);
    case STEP_NEW_USER: return step_new_user(step);
    case STEP_WAIT_PARENT: return step_wait_parent();
    case STEP_UNSHARE: return sys(unshare, arg[0]);
    case STEP_OPEN_PROCESS: return step_open_process(step);
    case STEP_ENTER: return step_enter(step);
    case STEP_INIT: return step_init();
    case STEP_WAIT_PLAN: return step_wait_plan();
    case STEP_MKDIR: return sys(mkdirat, AT_CWD, plan_text(plan, arg[0]), arg[1]);
    case STEP_SYMLINK: return step_symlink(step);
    case STEP_MKNOD: return step_mknod(step);
    case STEP_MOUNT: return step_mount(step);
    case STEP_TREE: return step_tree(step);
    case STEP_TREE_ATTRIBUTES: return step_tree_attributes(step);
    case STEP_PLACE: return step_place(step);
    case STEP_IMAGE: return step_image(step);
    case STEP_PIVOT: return step_pivot(step);
    case STEP_LEAVE_OLD_ROOT: return step_leave_old_root();
    case STEP_CHDIR: return sys(chdir, plan_text(plan, arg[0]));
    case STEP_UMASK: return sys(umask, arg[0]);
    case STEP_HOSTNAME: return sys(sethostname, plan_text(plan, arg[0]), length_of(plan_text(plan, arg[0])));
    case STEP_NETLINK: return step_netlink(step);
    case STEP_RLIMIT: return step_rlimit(step);
    case STEP_BOUNDING: return step_bounding(step);
    case STEP_CAPABILITIES: return step_capabilities(step);
    case STEP_IDS: return step_ids(step);
    case STEP_NO_NEW_PRIVILEGES: return sys(prctl, 38 /* PR_SET_NO_NEW_PRIVS */, 1);
    case STEP_SECCOMP: return step_seccomp(step);
    case STEP_SCOPE: return step_scope(step);
    case STEP_INHERIT: return step_inherit(step);
    case STEP_EXEC: return step_exec(step);
    case STEP_NEW_SESSION: return sys(setsid);
    case STEP_STAND_BY: return step_stand_by(step);
    case STEP_TELL: return step_tell(step);
    case STEP_JOIN: return step_join(step);
    case STEP_TITLE: return show_title(plan_text(plan, arg[0]));
    case STEP_HAND_OVER: // only the plan that a slot receives has these, and the supervisor stops there
    case STEP_BEGIN: return -EINVAL;
  }
  return -ENOSYS;
}
