// A data folder with a hard size: a filesystem image on a loop device that frees itself when its last user is gone.
#include "launch.h"

#include <linux/fcntl.h>
#include <linux/loop.h>
#include <linux/mount.h>

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

// IMAGE slot path filesystem attributes: a detached mount of the image
long step_image(const struct step *step) {
  char device[32];
  const long image = sys(openat, AT_CWD, plan_text(&launch.plan, step->arg[1]), O_RDWR | O_CLOEXEC, 0);
  if (failed(image)) return image;
  const long loop = attach((i32)image, device);
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
