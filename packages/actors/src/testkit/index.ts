/** Tools to test actors: virtual time, probes, faults, leak checks. */
export { ManualHost } from "./manual-host.ts";
