// A program with a pool of processes, half of which compute: orphans.js kills it.
import { createPool } from "../../packages/pool/dist/index.js";

const pool = createPool({ module: new URL("tasks.js", import.meta.url), placement: "process", workers: 2, spares: 2 });
await pool.ready();
void pool.run("spin", 60_000).catch(() => undefined);
setTimeout(() => process.send(pool.snapshot()[0].workers.map((worker) => worker.id)), 100);
