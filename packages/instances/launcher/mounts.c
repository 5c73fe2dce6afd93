// Steps that build the file tree of an instance: mount(2), and the newer calls that hold a mount by descriptor
// (open_tree, mount_setattr, move_mount), with which the supervisor can prepare what the inside may not reach.
#include "launch.h"

#include <linux/fcntl.h>
#include <linux/mount.h>

static const char *text(const struct step *step, int argument) { return plan_text(&launch.plan, step->arg[argument]); }

// MOUNT source target type flags data
long step_mount(const struct step *step) {
  return sys(mount, text(step, 0), text(step, 1), text(step, 2), step->arg[3], text(step, 4));
}

// TREE slot path recursive: a detached copy of the mount at path
long step_tree(const struct step *step) {
  const u32 flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (step->arg[2] ? AT_RECURSIVE : 0);
  return fill_slot(step->arg[0], sys(open_tree, AT_CWD, text(step, 1), flags));
}

// TREE_ATTRIBUTES path set recursive: adds restrictions (read-only, nosuid …) to the mount at path
long step_tree_attributes(const struct step *step) {
  struct mount_attr attributes = {.attr_set = wide(&step->arg[1]), .attr_clr = 0, .propagation = 0, .userns_fd = 0};
  return sys(mount_setattr, AT_CWD, text(step, 0), step->arg[3] ? AT_RECURSIVE : 0, &attributes, sizeof attributes);
}

// PLACE slot path: puts a detached mount where it belongs; the slot is empty then, whatever came of it
long step_place(const struct step *step) {
  const i32 fd = slot_fd(step->arg[0]);
  if (fd < 0) return fd;
  const long result = sys(move_mount, fd, "", AT_CWD, text(step, 1), MOVE_MOUNT_F_EMPTY_PATH);
  close_fd(fd);
  launch.slots[step->arg[0]] = -1;
  return failed(result) ? result : 0;
}

// PIVOT path: the mount at path becomes the root; the old root stays reachable as "." until LEAVE_OLD_ROOT
// (pivot_root(2), "pivot_root(".", ".")").
long step_pivot(const struct step *step) {
  const long moved = sys(chdir, text(step, 0));
  return failed(moved) ? moved : sys(pivot_root, ".", ".");
}

long step_leave_old_root(void) {
  const long detached = sys(umount2, ".", 2 /* MNT_DETACH */);
  return failed(detached) ? detached : sys(chdir, "/");
}
