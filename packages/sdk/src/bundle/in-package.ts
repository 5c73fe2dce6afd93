import { sep } from "node:path";

/** Whether a file came with an installed package; packages of one's own that are linked are sources like others. */
export const isInPackage = (path: string): boolean => path.includes(`${sep}node_modules${sep}`);
