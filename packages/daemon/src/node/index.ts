/** This machine: capacity for placement, features for the doctor. */
export { ThisNode } from "./node.ts";
