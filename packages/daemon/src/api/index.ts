/** The HTTP API: the contract's route table over a Platform, served on a Unix socket that only its owner can open. */
export { createApi } from "./app.ts";
export { claimSocket } from "./claim-socket.ts";
export type { ReportFault } from "./failure.ts";
export { type ApiServer, serveApi, type ServeOptions } from "./serve.ts";
