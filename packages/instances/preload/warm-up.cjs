"use strict";
// What makes the first steps of a program slow the first time: Node's own modules, the loader of ES modules with its
// reads, what most programs call first, and the way of a first request through a server.
const fs = require("node:fs");
const Module = require("node:module");
const { pathToFileURL } = require("node:url");

const modules = [
  "async_hooks",
  "buffer",
  "child_process",
  "crypto",
  "diagnostics_channel",
  "dns",
  "events",
  "fs",
  "fs/promises",
  "http",
  "https",
  "module",
  "net",
  "os",
  "path",
  "perf_hooks",
  "querystring",
  "readline",
  "stream",
  "stream/promises",
  "string_decoder",
  "timers/promises",
  "tls",
  "tty",
  "url",
  "util",
  "worker_threads",
  "zlib",
];

/** `example`: an ES module to be loaded. */
exports.warmUp = async (example) => {
  const restore = ["stdout", "stderr"].map(withhold);
  try {
    for (const name of modules) require(`node:${name}`);
    // A file, because what most takes the loader's time is how it finds and reads one.
    await import(pathToFileURL(example).href);
    await firstSteps();
    await serveOnce();
  } finally {
    for (const give of restore) give();
  }
};

// V8 compiles a function of Node's when it is called first.
async function firstSteps() {
  const path = "/dev/null";
  fs.writeFileSync(path, fs.readFileSync(path, "utf8"));
  fs.existsSync(path);
  fs.statSync(path);
  await fs.promises.readFile(path);
  process.hrtime.bigint();
  process.hrtime();
  clearInterval(setInterval(() => undefined, 1));
  await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => process.nextTick(resolve));
  // What was bundled names its source map.
  new Module(path)._compile("//# sourceMappingURL=data:,", path);
}

// Some modules only look at a stream of the process, which makes it: that is for the program to do.
function withhold(name) {
  const own = Object.getOwnPropertyDescriptor(process, name);
  const nowhere = { isTTY: false, fd: -1, hasColors: () => false, getColorDepth: () => 1 };
  Object.defineProperty(process, name, { ...own, get: () => nowhere });
  return () => Object.defineProperty(process, name, own);
}

function serveOnce() {
  const http = require("node:http");
  return new Promise((resolve, reject) => {
    let open = 3; // the server, and both ends of the connection
    const closed = () => {
      open -= 1;
      // A turn later nothing of them is left.
      if (open === 0) setImmediate(resolve);
    };
    const server = http.createServer((_request, response) => response.end("warm"));
    server.on("error", reject).on("close", closed);
    server.on("connection", (socket) => socket.on("close", closed));
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      http
        .get({ port, host: "127.0.0.1", agent: false }, (response) => {
          response.resume();
          response.on("end", () => server.close());
        })
        .on("socket", (socket) => socket.on("close", closed))
        .on("error", reject);
    });
  });
}
