/** What instances may not ask of the kernel. Everything that is not named is allowed. */
export interface SeccompProfile {
  readonly name: string;
  /** Refused with EPERM. */
  readonly denied: readonly string[];
  /** Refused with ENOSYS, so that programs fall back to an older call. */
  readonly absent: readonly string[];
  /** Refused with EPERM when this argument has any of these bits. */
  readonly maskedFlags: readonly { readonly call: string; readonly argument: number; readonly bits: number }[];
  /** Refused with this errno when this argument has one of these values. */
  readonly refusedValues: readonly {
    readonly call: string;
    readonly argument: number;
    readonly values: readonly number[];
    readonly errno: number;
  }[];
  /** Refused with EPERM unless this argument has one of these values. */
  readonly allowedValues: readonly {
    readonly call: string;
    readonly argument: number;
    readonly values: readonly number[];
  }[];
  /** Numbers above it are younger than this list and refused with ENOSYS. */
  readonly newestKnown: number;
}

const EAFNOSUPPORT = 97;
const ALL_NAMESPACES = 0x7e02_0000; // CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
const EPERM = 1;
/** Keys put into a terminal as if somebody had typed them (ioctl_tty(2)): into the shell of `exec --tty`, for example. */
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
/** PER_LINUX, PER_LINUX32, each with UNAME26, and the question which it is: nothing that weakens memory protection. */
const harmlessPersonalities = [0, 0x0008, 0x2_0000, 0x2_0008, 0xffff_ffff];
const AF_ALG = 38;
const AF_VSOCK = 40;

/**
 * The profile of every instance, published here as data. It refuses what Docker's default profile refuses to a
 * container without capabilities (moby, profiles/seccomp), and besides: io_uring, which goes around filters like this
 * one; ptrace; sockets of the kernel's crypto and virtual-machine families; keys pushed into terminals.
 */
export const defaultSeccompProfile: SeccompProfile = {
  name: "default",
  denied: [
    // the machine: modules, clock, power, swap, accounting, logs
    "acct",
    "clock_adjtime",
    "clock_settime",
    "create_module",
    "delete_module",
    "finit_module",
    "get_kernel_syms",
    "init_module",
    "ioperm",
    "iopl",
    "kexec_file_load",
    "kexec_load",
    "nfsservctl",
    "query_module",
    "quotactl",
    "quotactl_fd",
    "reboot",
    "sethostname",
    "setdomainname",
    "settimeofday",
    "swapoff",
    "swapon",
    "_sysctl",
    "sysfs",
    "syslog",
    "uselib",
    "ustat",
    "vhangup",
    "lookup_dcookie",
    // mounts and namespaces
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "listmount",
    "mount",
    "mount_setattr",
    "move_mount",
    "open_tree",
    "pivot_root",
    "setns",
    "statmount",
    "umount2",
    "unshare",
    // other processes
    "kcmp",
    "move_pages",
    "migrate_pages",
    "pidfd_getfd",
    "process_madvise",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    // kernel interfaces with a long history of holes
    "add_key",
    "bpf",
    "fanotify_init",
    "keyctl",
    "name_to_handle_at",
    "open_by_handle_at",
    "perf_event_open",
    "request_key",
    "userfaultfd",
    "vmsplice",
    // memory placement
    "get_mempolicy",
    "mbind",
    "set_mempolicy",
    "set_mempolicy_home_node",
    // leftovers that no system has
    "afs_syscall",
    "getpmsg",
    "putpmsg",
    "security",
    "tuxcall",
    "vserver",
  ],
  absent: [
    "clone3",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "lsm_get_self_attr",
    "lsm_list_modules",
    "lsm_set_self_attr",
    "memfd_secret",
  ],
  maskedFlags: [{ call: "clone", argument: 0, bits: ALL_NAMESPACES }],
  refusedValues: [
    { call: "socket", argument: 0, values: [AF_ALG, AF_VSOCK], errno: EAFNOSUPPORT },
    { call: "ioctl", argument: 1, values: [TIOCSTI, TIOCLINUX], errno: EPERM },
  ],
  allowedValues: [{ call: "personality", argument: 0, values: harmlessPersonalities }],
  newestKnown: 466,
};
