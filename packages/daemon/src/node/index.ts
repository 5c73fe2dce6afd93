/** This machine: capacity for placement, features for the doctor. */
export { networkWish } from "./network-wish.ts";
export { warmWish } from "./warm-wish.ts";
export { ThisNode } from "./node.ts";
