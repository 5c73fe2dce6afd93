// One pool in a process of its own: it cannot disturb the others, and when it hangs it can be ended.
// Started by tasks-bench.js; does what it is told by messages, one at a time, and answers each.
import { setTimeout as sleep } from "node:timers/promises";
import { processes, threads } from "./peers/pools.js";

const [placement, name] = process.argv.slice(2);
const inFlight = 64;
let pool = null;

const commands = {
  async open(workers) {
    pool = await (placement === "threads" ? threads : processes)[name](workers);
    await Promise.all(Array.from({ length: inFlight }, () => pool.echo(1)));
    // Until the compiler is done with what all of them run.
    await commands.burst(500);
    await commands.trips(500);
    return null;
  },
  /** Tasks per second with 64 in flight. */
  async burst(ms) {
    const startMs = performance.now();
    let done = 0;
    await Promise.all(
      Array.from({ length: inFlight }, async () => {
        while (performance.now() - startMs < ms) {
          await pool.echo(1);
          done += 1;
        }
      }),
    );
    return (done * 1000) / (performance.now() - startMs);
  },
  /** Microseconds of lone round trips, each begun when the one before is over. */
  async trips(ms) {
    const untilMs = performance.now() + ms;
    const trips = [];
    while (performance.now() < untilMs) {
      const startMs = performance.now();
      await pool.echo(1);
      trips.push((performance.now() - startMs) * 1000);
    }
    return trips;
  },
  /** The same, each after a pause: whoever sleeps between two tasks is asleep. */
  async pausedTrips(count) {
    const trips = [];
    for (let index = 0; index < count; index += 1) {
      await sleep(2);
      const startMs = performance.now();
      await pool.echo(1);
      trips.push((performance.now() - startMs) * 1000);
    }
    return trips;
  },
  async close() {
    await pool.close();
    return null;
  },
};

process.on("message", ({ command, argument }) => {
  commands[command](argument).then(
    (value) => process.send({ value }),
    (error) => process.send({ error: String(error) }),
  );
});
