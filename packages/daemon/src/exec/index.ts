/** Programs run inside an instance on request. */
export { execIn, instanceNotFound } from "./exec.ts";
