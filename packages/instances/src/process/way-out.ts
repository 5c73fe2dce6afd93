/** Whether instances with a network of their own can reach the world. */
export type WayOut =
  | { readonly kind: "open"; readonly by: string }
  | { readonly kind: "closed"; readonly missing: string };

export function findWayOut(privileged: boolean): WayOut {
  return { kind: "closed", missing: privileged ? "this machine forwards nothing" : "needs a root daemon" };
}
