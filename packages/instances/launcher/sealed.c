// The program runs from a sealed copy of itself in memory. What it starts inside an instance is, for a moment, still
// this program; a script there that begins with "#!/proc/self/exe" even makes it run again as the instance's own
// process, and from that one others of the same user get at its file. When the daemon is no root that user owns the
// file. A sealed copy belongs to nobody and cannot be changed.
#include "launch.h"

#include <linux/fcntl.h>

#define MEMFD_CLOEXEC 1
#define MEMFD_ALLOW_SEALING 2
#define ADD_SEALS 1033           // fcntl(2): F_ADD_SEALS
#define ALL_SEALS (1 | 2 | 4 | 8) // seal, shrink, grow, write
#define EMPTY_PATH 0x1000

static long copy_whole(i32 from, i32 to) {
  for (;;) {
    const long moved = retry(sys(sendfile, to, from, NULL, 1 << 20));
    if (moved <= 0) return moved;
  }
}

// Returns only when it runs sealed already, or when this machine lets nobody run programs from memory.
void run_sealed(char **argv, char **env) {
  char self[8];
  const long length = sys(readlinkat, AT_CWD, "/proc/self/exe", self, sizeof self - 1);
  if (length < 1) return;
  self[length] = 0;
  if (same(self, "/memfd:")) return;
  const long file = sys(openat, AT_CWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC, 0);
  const long memory = sys(memfd_create, "launcher", MEMFD_CLOEXEC | MEMFD_ALLOW_SEALING);
  if (!failed(file) && !failed(memory) && copy_whole((i32)file, (i32)memory) == 0 &&
      !failed(sys(fcntl, memory, ADD_SEALS, ALL_SEALS)))
    sys(execveat, memory, "", argv, env, EMPTY_PATH);
  if (!failed(file)) close_fd((i32)file);
  if (!failed(memory)) close_fd((i32)memory);
}
