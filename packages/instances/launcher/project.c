// A data folder whose size the filesystem itself counts: ext4 and XFS keep a quota for each project, and files made in
// a folder of a project belong to it (ioctl_fsgetxattr(2), quotactl(2)). The daemon runs this program for it, since it
// can make no such calls itself.
#include "launch.h"

#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/quota.h>

#define PROJECT_QUOTA 2
#define BLOCK 1024             // of the limits in struct if_dqblk
#define FILE_BLOCK 4096        // what a file takes at least unless it is empty, so that only the number bounds those
#define FEW_FILES 16           // may lie in the smallest folder, and the folder itself
#define FIRST_PROJECT 0x40000000u // ours; people number theirs from 1

static long quota_call(i32 folder, u32 command, u32 project, struct if_dqblk *quota) {
  return sys(quotactl_fd, folder, QCMD(command, PROJECT_QUOTA), project, quota);
}

// From `project` on the first that no file belongs to.
static long unused_project(i32 folder, u32 project) {
  for (u32 tries = 0; tries < 1000; tries++, project++) {
    struct if_dqblk quota;
    zero(&quota, sizeof quota);
    const long result = quota_call(folder, Q_GETQUOTA, project, &quota);
    if (failed(result)) return result;
    if (!quota.dqb_curinodes && !quota.dqb_curspace) return project;
  }
  return -EUSERS;
}

// A folder that has no project yet must be empty: what lies in it would not be counted.
static long project_of(i32 folder, u32 wanted, int is_empty) {
  struct fsxattr attributes;
  long result = sys(ioctl, folder, FS_IOC_FSGETXATTR, &attributes);
  if (failed(result)) return result;
  if (attributes.fsx_projid >= FIRST_PROJECT && attributes.fsx_xflags & FS_XFLAG_PROJINHERIT) return attributes.fsx_projid;
  if (!is_empty) return -ENOTEMPTY;
  result = unused_project(folder, FIRST_PROJECT | wanted);
  if (failed(result)) return result;
  attributes.fsx_projid = (u32)result;
  attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
  const long set = sys(ioctl, folder, FS_IOC_FSSETXATTR, &attributes);
  return failed(set) ? set : (long)attributes.fsx_projid;
}

// Limits what may lie in a folder to so many bytes (0: any number), and the number of files; 0 or a negated errno.
long limit_folder(const char *path, u32 wanted_project, u64 bytes, int is_empty) {
  const long folder = sys(openat, AT_CWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (failed(folder)) return folder;
  const long project = project_of((i32)folder, wanted_project, is_empty);
  struct if_dqblk quota;
  zero(&quota, sizeof quota);
  quota.dqb_bhardlimit = quota.dqb_bsoftlimit = (bytes + BLOCK - 1) / BLOCK;
  quota.dqb_ihardlimit = quota.dqb_isoftlimit = bytes ? FEW_FILES + bytes / FILE_BLOCK : 0;
  quota.dqb_valid = QIF_LIMITS;
  const long result = failed(project) ? project : quota_call((i32)folder, Q_SETQUOTA, (u32)project, &quota);
  close_fd((i32)folder);
  return result;
}
