// Node's own way to share a port between processes: the primary accepts and hands out.
const cluster = require("node:cluster");
if (cluster.isPrimary) for (let i = 0; i < Number(process.env.WORKERS); i += 1) cluster.fork();
else require("./server.cjs");
