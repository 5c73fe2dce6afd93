import { ClusterWorker, ThreadWorker } from "poolifier";
import { isMainThread } from "node:worker_threads";
export default isMainThread ? new ClusterWorker((data) => data) : new ThreadWorker((data) => data);
