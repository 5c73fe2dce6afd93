import { getSystemErrorMap } from "node:util";

/** The name and meaning of a Linux errno: `describeErrno(1)` is `{ code: "EPERM", text: "operation not permitted" }`. */
export function describeErrno(errno: number): { readonly code: string; readonly text: string } {
  const known = getSystemErrorMap().get(-errno) ?? beyondNode[errno];
  return known === undefined ? { code: `errno ${errno}`, text: "unknown error" } : { code: known[0], text: known[1] };
}

/** Errors that Node does not name but the launcher can meet. */
const beyondNode: Readonly<Record<number, readonly [string, string]>> = {
  8: ["ENOEXEC", "exec format error"],
  10: ["ECHILD", "a launching process died"],
  15: ["ENOTBLK", "block device required"],
  33: ["EDOM", "argument out of domain"],
  38: ["ENOSYS", "function not implemented"],
  42: ["ENOMSG", "no descriptor came"],
  71: ["EPROTO", "protocol error"],
  74: ["EBADMSG", "bad message"],
  87: ["EUSERS", "too many users or namespaces"],
  125: ["ECANCELED", "killed before it ran"],
};
