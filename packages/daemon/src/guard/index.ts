/** Guarded runs of this machine: who is let in, who yields, who comes back, and what becomes of those that died. */
export { type GuardService, type GuardServiceOptions, openGuardService } from "./service.ts";
