// A data folder with a hard size: a filesystem image on a loop device that frees itself when its last user is gone.
#include "launch.h"

#include <linux/fcntl.h>
#include <linux/loop.h>
#include <linux/mount.h>

#define LOCK_PATIENCE_MS 5000
#define LOCK_PAUSE_MS 5

// Binds a free loop device to the image. Another process may take the same device first (EBUSY): ask again.
static long attach(i32 image, char *device) {
  const long control = sys(openat, AT_CWD, "/dev/loop-control", O_RDWR | O_CLOEXEC, 0);
  if (failed(control)) return control;
  long result = -EBUSY;
  for (int attempt = 0; attempt < 64 && result == -EBUSY; attempt++) {
    const long number = sys(ioctl, control, LOOP_CTL_GET_FREE, 0);
    if (failed(number)) { result = number; break; }
    *put_number(put_text(device, "/dev/loop"), (u64)number, 1) = 0;
    const long loop = sys(openat, AT_CWD, device, O_RDWR | O_CLOEXEC, 0);
    if (failed(loop)) { result = loop; break; }
    struct loop_config config;
    zero(&config, sizeof config);
    config.fd = (u32)image;
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    result = sys(ioctl, loop, LOOP_CONFIGURE, &config);
    if (!failed(result)) result = loop; // stays open until it is mounted, or autoclear would free it
    else close_fd((i32)loop);
  }
  close_fd((i32)control);
  return result;
}

// Two mounts of one image would each overwrite what the other wrote. The device keeps the file that it was given, and with
// it this lock, until the last user of its mount is gone: a command inside the instance may live some moments longer.
static long lock_image(i32 image) {
  long result = -EWOULDBLOCK;
  for (u32 waited_ms = 0; waited_ms < LOCK_PATIENCE_MS; waited_ms += LOCK_PAUSE_MS) {
    result = sys(flock, image, 2 | 4 /* LOCK_EX | LOCK_NB */);
    if (result != -EWOULDBLOCK && result != -EINTR) return result;
    const struct kernel_time pause = {0, LOCK_PAUSE_MS * 1000000};
    sys(nanosleep, &pause, NULL);
  }
  return -EBUSY;
}

// IMAGE slot path filesystem attributes: a detached mount of the image
long step_image(const struct step *step) {
  char device[32];
  const long image = sys(openat, AT_CWD, plan_text(&launch.plan, step->arg[1]), O_RDWR | O_CLOEXEC, 0);
  if (failed(image)) return image;
  long loop = lock_image((i32)image);
  if (!failed(loop)) loop = attach((i32)image, device);
  close_fd((i32)image);
  if (failed(loop)) return loop;
  const long context = sys(fsopen, plan_text(&launch.plan, step->arg[2]), FSOPEN_CLOEXEC);
  long result = context;
  if (!failed(result)) result = sys(fsconfig, context, FSCONFIG_SET_STRING, "source", device, 0);
  if (!failed(result)) result = sys(fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
  if (!failed(result)) result = sys(fsmount, context, FSMOUNT_CLOEXEC, step->arg[3]);
  if (!failed(context)) close_fd((i32)context);
  close_fd((i32)loop);
  return fill_slot(step->arg[0], result);
}
