"use strict";
// A second way into a server: a Unix socket that leads to this very process, although its port is shared with others.
// Health checks of one instance come this way. A connection gets to the server as if it had come by its port.
const net = require("node:net");

/** Opens the door of a server that listens, until it closes. */
exports.openDoor = (server, path) => {
  const target = server._handle;
  const door = net.createServer();
  door.on("error", (error) =>
    process.stderr.write(`constellation: no health check can reach this process: ${error.message}\n`),
  );
  door.listen(path, () => {
    // As node:cluster does it: what the kernel hands over goes to whoever takes the port's connections now.
    door._handle.onconnection = (status, client) => target.onconnection(status, client);
  });
  door.unref();
  server.once("close", () => door.close());
};
