"use strict";
// What SIGTERM does to a program that does not handle it itself: no new connection, requests that are under way get
// their answer, and then it ends by SIGTERM as it would have at once. A program with a handler of its own keeps control.
const net = require("node:net");

/**
 * A kept-alive connection is closed when so many looks found nothing new: a client that asks again sooner is answered, with
 * `Connection: close`. Looks are counted, not time: what comes while the program computes is read between two of them.
 */
const quietLooks = 5;
const lookMs = 50;

/** Returns what is to be called with every server that listens. */
exports.drainOnTerminate = (drainMs) => {
  const servers = new Map();
  let ready = false;

  const terminate = () => {
    standDown();
    drain(servers, drainMs);
  };
  const takenOver = (event) => {
    if (event === "SIGTERM") standDown();
  };
  const standDown = () => {
    process.off("SIGTERM", terminate);
    process.off("newListener", takenOver);
  };
  const standReady = () => {
    ready = true;
    if (process.listenerCount("SIGTERM") > 0) return;
    process.on("SIGTERM", terminate);
    process.on("newListener", takenOver);
  };

  return (server) => {
    if (!ready) standReady();
    servers.set(server, follow(server));
    server.once("close", () => servers.delete(server));
  };
};

// Sockets and HTTP/2 sessions that are open.
function follow(server) {
  const sockets = new Set();
  const sessions = new Set();
  const keep = (set) => (one) => {
    set.add(one);
    one.once("close", () => set.delete(one));
  };
  server.on(typeof server.setSecureContext === "function" ? "secureConnection" : "connection", keep(sockets));
  if (speaksHttp2(server)) server.on("session", keep(sessions));
  return { sockets, sessions };
}

const speaksHttp2 = (server) => typeof server.updateSettings === "function";

function drain(servers, drainMs) {
  setTimeout(end, drainMs);
  let open = servers.size;
  const closed = () => {
    open -= 1;
    if (open <= 0) end();
  };
  if (open === 0) closed();
  for (const [server, { sockets, sessions }] of servers) {
    server.once("close", closed);
    lastAnswers(server, sockets);
    for (const session of sessions) session.close();
    // Not the close of http.Server: it cuts every connection that is idle now, the one whose next request is on its way included.
    net.Server.prototype.close.call(server);
    if (!speaksHttp2(server)) closeQuiet(sockets);
  }
}

// From now on every answer closes its connection, and says so.
function lastAnswers(server, sockets) {
  const last = (_request, response) => {
    response.shouldKeepAlive = false;
  };
  for (const event of ["request", "checkContinue", "checkExpectation"])
    if (server.listenerCount(event) > 0 && !speaksHttp2(server)) server.prependListener(event, last);
  for (const { _httpMessage: response } of sockets)
    if (response && !response.headersSent) response.shouldKeepAlive = false;
}

function closeQuiet(sockets) {
  const seen = new WeakMap();
  const look = () => {
    for (const socket of sockets) {
      const before = seen.get(socket);
      const busy = !socket.parser || socket._httpMessage; // no parser: not HTTP, or upgraded
      if (busy || before?.bytes !== socket.bytesRead) seen.set(socket, { bytes: socket.bytesRead, looks: 0 });
      else if ((before.looks += 1) >= quietLooks) socket.destroy();
    }
  };
  look();
  setInterval(look, lookMs);
}

function end() {
  if (process.pid === 1) process.exit(143); // the first process of a namespace cannot be ended by a signal of its own
  process.kill(process.pid, "SIGTERM");
}
