/** Tools to test actors: virtual time, probes, a seeded order of events, faults, leak checks. */
export { crashing, InjectedCrash, type CrashPlan } from "./crashing.ts";
export { Faults, type FaultCounts, type FaultPlan } from "./faults.ts";
export { generator } from "./generator.ts";
export { leaksOf, shutdownWithoutLeaks, type Leaks } from "./leaks.ts";
export { ManualHost, type LogLine } from "./manual-host.ts";
export { seededOrder } from "./seeded-order.ts";
export { Probe } from "./probe.ts";
