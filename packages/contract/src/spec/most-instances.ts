/** Instances that one app may have. */
export const mostInstances = 10_000;
