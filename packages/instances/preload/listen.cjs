"use strict";
// Loaded into a Node program before its own code. `server.listen(port)` on a port of its app takes the listening socket
// that the instance inherited instead of opening one, so that all instances of the app share one socket of the kernel.
// Every other call is left alone. What is inherited comes in CONSTELLATION_LISTEN:
//   { "drainMs": 5000, "option": "--require …", "ports": [{ "port": 8080, "fds": [3, 4], "door": "/run/…/http.sock" }] }
// Processes that the program starts do not have the descriptors: the variable and our option are taken out of the
// environment at once. Threads do have them, and get the declaration as environment data (not a thread that is given an
// environment of its own: Node preloads nothing there).
const net = require("node:net");
const { getEnvironmentData, setEnvironmentData, isMainThread } = require("node:worker_threads");

const key = "constellation.listen";
const declared = getEnvironmentData(key) ?? declaredInEnvironment();
if (declared) install(declared);
// A Node that waits loads this before it knows; a program without a port of ours must not find it.
else delete require.cache[__filename];

function declaredInEnvironment() {
  const text = process.env.CONSTELLATION_LISTEN;
  if (text === undefined) return undefined;
  delete process.env.CONSTELLATION_LISTEN;
  const { drainMs, option, ports } = JSON.parse(text);
  withdrawOption(option);
  if (process.env.LISTEN_PID !== String(process.pid))
    for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete process.env[name];
  const descriptors = ports.flatMap(({ fds }) => fds);
  const declaration = {
    drainMs,
    ports,
    taken: new Int32Array(new SharedArrayBuffer(4 * (Math.max(...descriptors) + 1))),
  };
  setEnvironmentData(key, declaration);
  return declaration;
}

function withdrawOption(option) {
  const rest = (process.env.NODE_OPTIONS ?? "").replace(option, "").trim();
  if (rest === "") delete process.env.NODE_OPTIONS;
  else process.env.NODE_OPTIONS = rest;
}

function install({ drainMs, ports, taken }) {
  // What is required here is read when the first server listens: the program's own first line does not wait for it.
  let drain;
  const drainOnTerminate = (server) => {
    drain ??= isMainThread ? require("./drain.cjs").drainOnTerminate(drainMs) : () => undefined;
    drain(server);
  };
  const listen = net.Server.prototype.listen;
  const createHandle = net._createServerHandle;

  // A descriptor is given out once, in whichever thread: Node closes it with the server, and its number may then be anything.
  const take = ({ fds }, named) =>
    fds.find((fd) => (named === undefined || fd === named) && Atomics.compareExchange(taken, fd, 0, 1) === 0);
  const portOf = (number) => ports.find(({ port }) => port === number);

  // One for each port: a program may listen on it more than once, on every address of "localhost".
  const doors = new Set();
  const openOnce = (server, { door }) => {
    if (!door || doors.has(door)) return;
    doors.add(door);
    server.once("close", () => doors.delete(door));
    require("./door.cjs").openDoor(server, door);
  };

  const lookAfter = (server) => {
    if (!server.listening) return; // closed again already
    require("./turns.cjs").takeTurns(server);
    drainOnTerminate(server);
  };

  net.Server.prototype.listen = function (...args) {
    const named = args[0]?.fd; // a program that knows of LISTEN_FDS
    const port = ports.find(({ fds }) => fds.includes(named)) ?? portOf(wantedPort(args[0]));
    if (port === undefined || this.listening) return listen.apply(this, args);
    const callback = args.at(-1);
    const fd = take(port, named);
    if (fd === undefined) {
      process.nextTick(() => this.emit("error", usedUp(port)));
      return this;
    }
    this.once("listening", () => {
      openOnce(this, port);
      // Before the first connection, but after what the program itself does now.
      process.nextTick(lookAfter, this);
    });
    const { signal, backlog = numberOf(args[1]) ?? numberOf(args[2]) } = typeof args[0] === "object" ? args[0] : {};
    const options = { fd, ...(signal === undefined ? {} : { signal }), ...(backlog === undefined ? {} : { backlog }) };
    return typeof callback === "function" ? listen.call(this, options, callback) : listen.call(this, options);
  };

  // The primary of a cluster opens sockets for its workers here when it does not hand out the connections itself.
  if (typeof createHandle === "function")
    net._createServerHandle = function (address, port, ...rest) {
      const fd = take(portOf(port) ?? { fds: [] });
      return fd === undefined
        ? createHandle.call(this, address, port, ...rest)
        : createHandle.call(this, null, null, null, fd);
    };
}

// The port that `server.listen(first, …)` means, as Node reads it (net.js: listen); undefined for a path, a descriptor, a handle.
function wantedPort(first) {
  if (typeof first === "number" || typeof first === "string") return numberOf(first);
  if (typeof first !== "object" || first === null) return undefined;
  if (first._handle || first.handle || (typeof first.fd === "number" && first.fd >= 0)) return undefined;
  return numberOf(first.port);
}

function numberOf(value) {
  if (typeof value === "number") return value;
  return typeof value === "string" && value.trim() !== "" && Number(value) >= 0 ? Number(value) : undefined;
}

function usedUp({ port, fds }) {
  const error = new Error(
    `listen EADDRINUSE: port ${port} is the public port of this app, and this process has listened on it ${fds.length} times already; ` +
      "exit to get a new socket, or set socket: 'forward' for this port",
  );
  return Object.assign(error, { code: "EADDRINUSE", syscall: "listen", port });
}
