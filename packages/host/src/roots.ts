/** Where the kernel's file interfaces are; tests point these at recorded directory trees. */
export interface HostRoots {
  readonly proc: string;
  readonly sys: string;
}

/** The roots of the running machine. */
export const systemRoots: HostRoots = { proc: "/proc", sys: "/sys" };
