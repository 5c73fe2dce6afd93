// Round trips and throughput of shared tasks, ours and our peers', in turns so that a busy machine hits all alike.
import { processes, threads } from "./peers/pools.js";
import { median, quantile } from "./figures.js";

const workers = 4;
const inFlight = 64;

/** Rows of round trips (p50, µs) and throughput (k/s) for all pools of one placement. */
export async function benchTasks(placement, { rounds, roundMs }) {
  const peers = placement === "threads" ? threads : processes;
  const open = {};
  for (const [name, start] of Object.entries(peers)) {
    const pool = await start(workers);
    if (!(await answers(pool))) {
      console.log(`${name} in ${placement}: no answer to its first task in 10 s, left out`);
      continue;
    }
    open[name] = pool;
    await Promise.all(Array.from({ length: 64 }, () => open[name].echo(1)));
    await burst(open[name].echo, 300);
  }
  const figures = Object.fromEntries(Object.keys(open).map((name) => [name, { perSecond: [], p50Us: [], p99Us: [] }]));
  try {
    for (let round = 0; round < rounds; round += 1)
      for (const [name, { echo }] of Object.entries(open)) {
        figures[name].perSecond.push(await burst(echo, roundMs));
        const trips = await roundTrips(echo, roundMs / 2);
        figures[name].p50Us.push(quantile(trips, 0.5));
        figures[name].p99Us.push(quantile(trips, 0.99));
      }
  } finally {
    for (const { close } of Object.values(open)) await close();
  }
  return Object.entries(figures).map(([name, { perSecond, p50Us, p99Us }]) => ({
    placement,
    pool: name,
    perSecond: Math.round(median(perSecond)),
    perSecondBest: Math.round(Math.max(...perSecond)),
    perSecondSpread: [Math.round(Math.min(...perSecond)), Math.round(Math.max(...perSecond))],
    roundTripP50Us: Number(median(p50Us).toFixed(1)),
    roundTripP50BestUs: Number(Math.min(...p50Us).toFixed(1)),
    roundTripP99Us: Number(median(p99Us).toFixed(1)),
  }));
}

function answers({ echo }) {
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, 10_000, false)));
  return Promise.race([echo(1).then(() => true), late]).finally(() => clearTimeout(timer));
}

async function burst(echo, ms) {
  const startMs = performance.now();
  let done = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (performance.now() - startMs < ms) {
        await echo(1);
        done += 1;
      }
    }),
  );
  return (done * 1000) / (performance.now() - startMs);
}

async function roundTrips(echo, ms) {
  const untilMs = performance.now() + ms;
  const trips = [];
  while (performance.now() < untilMs) {
    const startMs = performance.now();
    await echo(1);
    trips.push((performance.now() - startMs) * 1000);
  }
  return trips;
}
