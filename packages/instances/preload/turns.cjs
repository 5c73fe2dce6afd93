"use strict";
// Spreads bursts of connections over the processes that share a listening socket. All of them wake up for a connection,
// and one that is awake already would take a whole burst before the others have come as far; kept-alive connections then
// stay with it. So a process that gets more open connections than it had in this window sleeps for a moment. Churn,
// which does not make more, costs next to nothing.

const windowMs = 100;
/** Shorter than the kernel's timer slack: the sleep takes about 60 µs, enough for another process to accept. */
const sleepMs = 0.01;
const never = new Int32Array(new SharedArrayBuffer(4));

exports.takeTurns = (server) => {
  let most = 0;
  let windowEndsMs = 0;
  server.prependListener("connection", () => {
    const open = server._connections;
    const nowMs = performance.now();
    if (nowMs > windowEndsMs) {
      windowEndsMs = nowMs + windowMs;
      most = open;
    } else if (open > most) {
      most = open;
      Atomics.wait(never, 0, 0, sleepMs);
    }
  });
};
