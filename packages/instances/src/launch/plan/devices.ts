import type { LaunchRequest } from "../request.ts";
import { CHARACTER_DEVICE, mountAttributes, mountFlags, openFlags } from "./linux.ts";
import type { Step } from "./plan.ts";
import { at } from "./staging.ts";
import { steps } from "./steps.ts";

/** The devices that programs expect everywhere: name, major and minor number (kernel, admin-guide/devices.txt). */
const nodes = [
  ["null", 1, 3],
  ["zero", 1, 5],
  ["full", 1, 7],
  ["random", 1, 8],
  ["urandom", 1, 9],
  ["tty", 5, 0],
] as const;

const links = [
  ["/proc/self/fd", "fd"],
  ["/proc/self/fd/0", "stdin"],
  ["/proc/self/fd/1", "stdout"],
  ["/proc/self/fd/2", "stderr"],
] as const;

/** A /dev of six nodes. In a user namespace nodes cannot be made, so the machine's own are bound. */
export function deviceSteps(
  request: Pick<LaunchRequest, "isolation" | "sharedMemoryBytes">,
  inNamespace: boolean,
): Step[] {
  const { noSuid, noDev, noExec } = mountFlags;
  const { terminals } = request.isolation;
  return [
    steps.mount("tmpfs", at("/dev"), "tmpfs", noSuid | noExec, "size=64k,mode=755"),
    ...nodes.flatMap(([name, major, minor]) =>
      inNamespace
        ? [
            steps.writeFile(at(`/dev/${name}`), "", openFlags.create, 0o666),
            steps.bind(`/dev/${name}`, at(`/dev/${name}`), false),
          ]
        : [steps.mknod(at(`/dev/${name}`), CHARACTER_DEVICE | 0o666, (major << 8) | minor)],
    ),
    ...links.map(([target, name]) => steps.symlink(target, at(`/dev/${name}`))),
    steps.mkdir(at("/dev/shm"), 0o755),
    ...(terminals ? [steps.mkdir(at("/dev/pts"), 0o755), steps.symlink("pts/ptmx", at("/dev/ptmx"))] : []),
    steps.restrict(at("/dev"), mountAttributes.readOnly, false),
    steps.mount(
      "tmpfs",
      at("/dev/shm"),
      "tmpfs",
      noSuid | noDev | noExec,
      `size=${request.sharedMemoryBytes},mode=1777`,
    ),
    ...(terminals
      ? [steps.mount("devpts", at("/dev/pts"), "devpts", noSuid | noExec, "newinstance,ptmxmode=0666,mode=0620")]
      : []),
  ];
}
