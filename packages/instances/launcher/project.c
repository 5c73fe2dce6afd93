// A data folder whose size the filesystem itself counts: ext4 and XFS keep a quota for each project, and files made in
// a folder of a project belong to it (ioctl_fsgetxattr(2), quotactl(2)).
#include "launch.h"

#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/quota.h>

#define PROJECT_QUOTA 2
#define BLOCK 1024 // QIF_DQBLKSIZE

// PROJECT path id bytes: the folder and what will be made in it belong to project `id`, which may take `bytes` (0: any)
long step_project(const struct step *step) {
  const u32 id = step->arg[1];
  const long folder = sys(openat, AT_CWD, plan_text(&launch.plan, step->arg[0]), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (failed(folder)) return folder;
  struct fsxattr attributes;
  long result = sys(ioctl, folder, FS_IOC_FSGETXATTR, &attributes);
  if (!failed(result) && (attributes.fsx_projid != id || !(attributes.fsx_xflags & FS_XFLAG_PROJINHERIT))) {
    attributes.fsx_projid = id;
    attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    result = sys(ioctl, folder, FS_IOC_FSSETXATTR, &attributes);
  }
  struct if_dqblk quota;
  zero(&quota, sizeof quota);
  quota.dqb_bhardlimit = quota.dqb_bsoftlimit = (wide(&step->arg[2]) + BLOCK - 1) / BLOCK;
  quota.dqb_valid = QIF_BLIMITS;
  if (!failed(result)) result = sys(quotactl_fd, folder, QCMD(Q_SETQUOTA, PROJECT_QUOTA), id, &quota);
  close_fd((i32)folder);
  return result;
}
