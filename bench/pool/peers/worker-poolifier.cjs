// CommonJS: a cluster worker that loads its module asynchronously misses its pool's first message.
const { isMainThread } = require("node:worker_threads");
const { ClusterWorker, ThreadWorker } = require("poolifier");
module.exports = isMainThread ? new ClusterWorker((data) => data) : new ThreadWorker((data) => data);
