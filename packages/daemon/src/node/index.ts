/** This machine: capacity for placement, features for the doctor. */
export { cpuLatencyWish } from "./cpu-latency-wish.ts";
export { networkWish } from "./network-wish.ts";
export { warmWish } from "./warm-wish.ts";
export { ThisNode } from "./node.ts";
