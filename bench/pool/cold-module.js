// Starts cold: imports TypeScript, then the module it is told, and replies.
import { parentPort } from "node:worker_threads";

const [typescript, url] = process.argv.slice(2);
await import(typescript);
const { default: start } = await import(url);
if (parentPort === null) process.send(start(null, 2));
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
else parentPort.postMessage(start(null, 2));
